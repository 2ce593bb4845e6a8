-- Two slivers of two large tables, made while they are written to.

-- Step 1: what a broken run left behind; IF NOT EXISTS would keep it
SET lock_timeout = 0;
DO $$
DECLARE broken regclass;
BEGIN
  FOR broken IN SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE NOT indisvalid AND relnamespace = 'public'::regnamespace
                   AND relname IN ('session_requests_closed_at_idx', 'request_events_unattended_idx') LOOP
    EXECUTE format('DROP INDEX %s', broken);
  END LOOP;
END $$;

-- Step 2: what is over, the latest first
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_closed_at_idx ON public.session_requests (closed_at)
  WHERE closed_at IS NOT NULL;

-- Step 3: what the owner is told by mail
CREATE INDEX CONCURRENTLY IF NOT EXISTS request_events_unattended_idx ON public.request_events (at)
  WHERE kind = 'request_unattended';
