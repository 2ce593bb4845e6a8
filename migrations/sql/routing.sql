-- Workshops with a head start, and why somebody was refused or suspended. Defaults are constants: no row is rewritten.

-- Step 1: the columns
ALTER TABLE workshops ADD COLUMN IF NOT EXISTS routing text NOT NULL DEFAULT 'workshop_only';
ALTER TABLE mechanics
  ADD COLUMN IF NOT EXISTS reason text,
  ADD COLUMN IF NOT EXISTS reason_words text NOT NULL DEFAULT '';
ALTER TABLE session_requests
  ADD COLUMN IF NOT EXISTS workshop_until timestamptz,
  ADD COLUMN IF NOT EXISTS workshop_over_at timestamptz;
COMMENT ON COLUMN workshops.routing IS 'workshop_only, or hybrid: its own mechanics first, then all';
COMMENT ON COLUMN workshops.is_active IS 'False: it is closed, and its link says so';
COMMENT ON COLUMN mechanics.reason IS 'Why they were refused or suspended; NULL: not told';
COMMENT ON COLUMN mechanics.reason_words IS 'The owner’s words to them about it, which they read';
COMMENT ON COLUMN session_requests.workshop_until IS 'Until when its workshop alone is asked, frozen at creation; NULL: it has no head start';
COMMENT ON COLUMN session_requests.workshop_over_at IS 'When everyone was told after the head start, or it was ended early; NULL: not yet';

-- Step 2: what they may be
ALTER TABLE workshops DROP CONSTRAINT IF EXISTS workshops_routing_known;
ALTER TABLE workshops ADD CONSTRAINT workshops_routing_known CHECK (routing IN ('workshop_only', 'hybrid')) NOT VALID;
ALTER TABLE mechanics DROP CONSTRAINT IF EXISTS mechanics_reason_known;
ALTER TABLE mechanics ADD CONSTRAINT mechanics_reason_known
  CHECK (reason IN ('experience', 'area', 'incomplete', 'missed', 'complaint', 'pause', 'other')) NOT VALID;
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_workshop_over_had_head_start;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_workshop_over_had_head_start
  CHECK (workshop_over_at IS NULL OR workshop_until IS NOT NULL) NOT VALID;
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_head_start_is_of_workshop;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_head_start_is_of_workshop
  CHECK (workshop_until IS NULL OR routing_type = 'hybrid' OR (routing_type = 'broadcast' AND workshop_over_at IS NOT NULL)) NOT VALID;

-- Step 3: proven without a lock that stops writers
ALTER TABLE workshops VALIDATE CONSTRAINT workshops_routing_known;
ALTER TABLE mechanics VALIDATE CONSTRAINT mechanics_reason_known;
ALTER TABLE session_requests VALIDATE CONSTRAINT session_requests_workshop_over_had_head_start;
ALTER TABLE session_requests VALIDATE CONSTRAINT session_requests_head_start_is_of_workshop;

-- Step 4: what a broken run left behind; IF NOT EXISTS would keep it
SET lock_timeout = 0;
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = 'public.session_requests'::regclass AND NOT indisvalid
               AND relname = 'session_requests_head_start_idx') THEN
    DROP INDEX public.session_requests_head_start_idx;
  END IF;
END $$;

-- Step 5: for the poll, which asks for head starts that nobody has announced over
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_head_start_idx ON public.session_requests (workshop_until)
  WHERE status = 'pending' AND workshop_until IS NOT NULL AND workshop_over_at IS NULL;
