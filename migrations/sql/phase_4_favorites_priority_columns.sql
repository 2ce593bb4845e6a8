-- Phase 4: priority tracking in columns of its own. Runs as a migration and by psql -f, as often as you like;
-- each step says what it did, and the last one fails where something is missing or different.

-- Step 1: columns
SET lock_timeout = '3s';
DO $$
BEGIN
  ALTER TABLE public.session_requests ADD COLUMN IF NOT EXISTS preferred_mechanic_id uuid;
  ALTER TABLE public.session_requests ADD COLUMN IF NOT EXISTS priority_window_minutes integer NOT NULL DEFAULT 10;
  ALTER TABLE public.session_requests ADD COLUMN IF NOT EXISTS priority_notified_at timestamptz;
END $$;

-- Step 2: foreign key, unchecked at first so that writers wait a moment only
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'session_requests_preferred_mechanic_id_fkey'
             AND conrelid = 'public.session_requests'::regclass) THEN
    RAISE NOTICE '✅ Foreign key constraint is there: session_requests_preferred_mechanic_id_fkey';
  ELSE
    ALTER TABLE public.session_requests ADD CONSTRAINT session_requests_preferred_mechanic_id_fkey
      FOREIGN KEY (preferred_mechanic_id) REFERENCES public.mechanics (id) ON DELETE SET NULL NOT VALID;
    RAISE NOTICE '✅ Added foreign key constraint: session_requests_preferred_mechanic_id_fkey';
  END IF;
END $$;

-- Step 3: the existing rows
ALTER TABLE public.session_requests VALIDATE CONSTRAINT session_requests_preferred_mechanic_id_fkey;

-- Step 4: what a broken run left behind; IF NOT EXISTS would keep it
SET lock_timeout = 0;
DO $$
DECLARE broken text;
BEGIN
  FOR broken IN SELECT indexrelid::regclass FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                WHERE indrelid = 'public.session_requests'::regclass AND NOT indisvalid
                  AND relname IN ('session_requests_preferred_mechanic_idx', 'session_requests_priority_analytics_idx',
                                  'session_requests_priority_timeout_idx')
  LOOP
    RAISE NOTICE 'Dropping invalid index %', broken;
    EXECUTE 'DROP INDEX ' || broken;
  END LOOP;
END $$;

-- Step 5: index for "whose favorite"
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_preferred_mechanic_idx
  ON public.session_requests (preferred_mechanic_id) WHERE preferred_mechanic_id IS NOT NULL;

-- Step 6: index for analytics
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_priority_analytics_idx
  ON public.session_requests (preferred_mechanic_id, priority_notified_at, status) WHERE preferred_mechanic_id IS NOT NULL;

-- Step 7: index for windows that have lapsed
CREATE INDEX CONCURRENTLY IF NOT EXISTS session_requests_priority_timeout_idx
  ON public.session_requests (priority_notified_at, status) WHERE priority_notified_at IS NOT NULL AND status = 'pending';

-- Step 8: comments
DO $$
BEGIN
  COMMENT ON COLUMN public.session_requests.preferred_mechanic_id IS
    'The favorite mechanic who is asked first; NULL when there is no preference';
  COMMENT ON COLUMN public.session_requests.priority_window_minutes IS
    'How long only the preferred mechanic may answer, minutes; frozen when the session request is made';
  COMMENT ON COLUMN public.session_requests.priority_notified_at IS
    'When the preferred mechanic was asked: the start of the priority window; NULL when there was none';
END $$;

-- Step 9: verification
DO $$
DECLARE
  wrong text;
BEGIN
  SELECT string_agg(expected.name, ', ') INTO wrong
    FROM (VALUES ('preferred_mechanic_id', 'uuid', 'YES', NULL),
                 ('priority_window_minutes', 'integer', 'NO', '10'),
                 ('priority_notified_at', 'timestamp with time zone', 'YES', NULL)) AS expected (name, type, nullable, value)
    LEFT JOIN information_schema.columns c ON c.table_schema = 'public' AND c.table_name = 'session_requests'
      AND c.column_name = expected.name AND c.data_type = expected.type AND c.is_nullable = expected.nullable
      AND c.column_default IS NOT DISTINCT FROM expected.value
   WHERE c.column_name IS NULL;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'Column missing or different from phase 4: %', wrong;
  END IF;
  RAISE NOTICE '✅ Column added: preferred_mechanic_id (UUID)';
  RAISE NOTICE '✅ Column added: priority_window_minutes (INTEGER, default 10)';
  RAISE NOTICE '✅ Column added: priority_notified_at (TIMESTAMPTZ)';

  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'public.session_requests'::regclass AND convalidated
                 AND conname = 'session_requests_preferred_mechanic_id_fkey'
                 AND pg_get_constraintdef(oid) = 'FOREIGN KEY (preferred_mechanic_id) REFERENCES mechanics(id) ON DELETE SET NULL') THEN
    RAISE EXCEPTION 'Foreign key missing or different from phase 4: session_requests_preferred_mechanic_id_fkey';
  END IF;
  RAISE NOTICE '✅ Foreign key: preferred_mechanic_id → mechanics(id)';

  SELECT string_agg(expected.name, ', ') INTO wrong
    FROM (VALUES ('session_requests_preferred_mechanic_idx',
                  'USING btree (preferred_mechanic_id) WHERE (preferred_mechanic_id IS NOT NULL)'),
                 ('session_requests_priority_analytics_idx',
                  'USING btree (preferred_mechanic_id, priority_notified_at, status) WHERE (preferred_mechanic_id IS NOT NULL)'),
                 ('session_requests_priority_timeout_idx',
                  'USING btree (priority_notified_at, status) WHERE ((priority_notified_at IS NOT NULL) AND (status = ''pending''::text))')
         ) AS expected (name, definition)
   WHERE NOT EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                     WHERE indrelid = 'public.session_requests'::regclass AND relname = expected.name AND indisvalid
                       AND pg_get_indexdef(indexrelid) LIKE '%' || expected.definition);
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'Index missing, invalid or different from phase 4: %', wrong;
  END IF;
  RAISE NOTICE '✅ Indexes created: 3 priority-related indexes';
  RAISE NOTICE '============================================';
  RAISE NOTICE '✅ Phase 4 Migration Complete!';
END $$;
