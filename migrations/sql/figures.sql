-- For figures of all session requests of a time, those without a first offer among them: which blocks of the table hold
-- which of them. 24 kB for a million, as for session_requests_offered_at_idx; no update touches the column.

-- Step 1: what a broken run left behind; IF NOT EXISTS would keep it
SET lock_timeout = 0;
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = 'public.session_requests'::regclass AND NOT indisvalid
               AND relname = 'session_requests_created_at_idx') THEN
    DROP INDEX public.session_requests_created_at_idx;
  END IF;
END $$;

-- Step 2: the index
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_created_at_idx
  ON public.session_requests USING brin (created_at) WITH (autosummarize=on);
