-- For figures of a time: which blocks of the table hold which offers. Session requests are written in the order of time,
-- so 24 kB do for a million of them; a B-tree would have 9 MB, be written at every change, and tempt the poll's planner.

-- Step 1: what a broken run left behind; IF NOT EXISTS would keep it
SET lock_timeout = 0;
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = 'public.session_requests'::regclass AND NOT indisvalid
               AND relname = 'session_requests_offered_at_idx') THEN
    DROP INDEX public.session_requests_offered_at_idx;
  END IF;
END $$;

-- Step 2: the index
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_offered_at_idx
  ON public.session_requests USING brin (priority_notified_at) WITH (autosummarize=on);
