-- Who takes priority offers, and when; one extension.

-- Step 1: the mechanic's own word on being asked first. Constants as defaults: no table is rewritten.
ALTER TABLE mechanics ADD COLUMN IF NOT EXISTS takes_favorites boolean NOT NULL DEFAULT true;
ALTER TABLE mechanics ADD COLUMN IF NOT EXISTS quiet_from time;
ALTER TABLE mechanics ADD COLUMN IF NOT EXISTS quiet_until time;
ALTER TABLE mechanics ADD COLUMN IF NOT EXISTS back_at timestamptz;
COMMENT ON COLUMN mechanics.takes_favorites IS 'False: customers cannot ask for them first';
COMMENT ON COLUMN mechanics.quiet_from IS 'From then on they are not asked first, by their own clock; NULL: no quiet hours';
COMMENT ON COLUMN mechanics.quiet_until IS 'Until then; before quiet_from: over midnight';
COMMENT ON COLUMN mechanics.back_at IS 'When they last came back; offers before that do not count as unanswered';

-- Step 2: both ends or none; without a length they would be none, or all day
ALTER TABLE mechanics DROP CONSTRAINT IF EXISTS mechanics_quiet_hours_make_sense;
ALTER TABLE mechanics ADD CONSTRAINT mechanics_quiet_hours_make_sense
  CHECK ((quiet_from IS NULL) = (quiet_until IS NULL) AND quiet_from <> quiet_until);

-- Step 3: nobody is away for what they did not answer before there was such a rule
UPDATE mechanics SET back_at = clock_timestamp() WHERE back_at IS NULL;

-- Step 4: one extension; the window's length says how long, this says that it was
ALTER TABLE session_requests ADD COLUMN IF NOT EXISTS extended_at timestamptz;
COMMENT ON COLUMN session_requests.extended_at IS 'When the preferred mechanic took 5 minutes more, once; NULL: not';

-- Step 5: no rows are read under the lock that this takes; the revision checks them afterwards
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_extended_had_window;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_extended_had_window
  CHECK (extended_at IS NULL OR priority_notified_at IS NOT NULL) NOT VALID;
