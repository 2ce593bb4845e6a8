-- What the engine page tells. A small table, and an index of the mails that were not sent. Safe to repeat; each step
-- commits by itself, as an index made CONCURRENTLY needs.

-- Step 1: who holds streams
CREATE TABLE IF NOT EXISTS engine_processes (
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  streams INTEGER NOT NULL,
  told BIGINT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT engine_processes_pkey PRIMARY KEY (name),
  CONSTRAINT engine_processes_kind_known CHECK (kind IN ('web', 'hub'))
);
COMMENT ON TABLE engine_processes IS 'The processes that hold streams, as each tells of itself every 10 s';
COMMENT ON COLUMN engine_processes.name IS 'Host and process';
COMMENT ON COLUMN engine_processes.kind IS 'web: it serves pages, too; hub: streams alone';
COMMENT ON COLUMN engine_processes.streams IS 'How many it holds open';
COMMENT ON COLUMN engine_processes.told IS 'The newest event that its streams were told of';
COMMENT ON COLUMN engine_processes.started_at IS 'When it first told of itself';
COMMENT ON COLUMN engine_processes.seen_at IS 'When it last did; older than 30 s it no longer counts';

-- Step 2: what a broken run left behind; IF NOT EXISTS would keep it
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = 'public.mails'::regclass AND NOT indisvalid AND relname = 'mails_unsent_idx') THEN
    DROP INDEX public.mails_unsent_idx;
  END IF;
END $$;

-- Step 3: mails that are not sent, a sliver of the table
CREATE INDEX CONCURRENTLY IF NOT EXISTS mails_unsent_idx ON public.mails (next_try_at) WHERE sent_at IS NULL;
