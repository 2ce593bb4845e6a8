-- The talk of the two, and its photos. Only what is new is written; no table is rewritten. Safe to repeat.

-- Step 1: what a message is known by
ALTER TABLE messages
  ADD COLUMN IF NOT EXISTS number INTEGER,
  ADD COLUMN IF NOT EXISTS mechanic_id UUID
    CONSTRAINT messages_mechanic_id_fkey REFERENCES mechanics (id) ON DELETE SET NULL,
  ADD COLUMN IF NOT EXISTS client_key TEXT
    CONSTRAINT messages_client_key_has_a_length CHECK (length(client_key) BETWEEN 1 AND 64);
COMMENT ON COLUMN messages.number IS '1, 2, 3 … in this consultation, in the order of the commits';
COMMENT ON COLUMN messages.mechanic_id IS 'With whom the talk was; no other mechanic reads it';
COMMENT ON COLUMN messages.client_key IS 'Random, from the page: a message sent twice is one';

-- Step 2: the messages that are there
UPDATE messages SET number = told.number, mechanic_id = told.mechanic_id
  FROM (SELECT m.id, r.mechanic_id, row_number() OVER (PARTITION BY m.session_id ORDER BY m.at, m.id) AS number
          FROM messages m LEFT JOIN session_requests r ON r.session_id = m.session_id) AS told
 WHERE told.id = messages.id AND messages.number IS NULL;
ALTER TABLE messages ALTER COLUMN number SET NOT NULL;

-- Step 3: in their order, and each said once
CREATE UNIQUE INDEX IF NOT EXISTS messages_number_once_per_consultation ON messages (session_id, number);
CREATE UNIQUE INDEX IF NOT EXISTS messages_client_key_once_per_author ON messages (session_id, user_id, client_key);
DROP INDEX IF EXISTS messages_session_id_idx;

-- Step 4: photos
CREATE TABLE IF NOT EXISTS photos (
  message_id UUID NOT NULL,
  content BYTEA NOT NULL,
  preview BYTEA NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  CONSTRAINT photos_pkey PRIMARY KEY (message_id),
  CONSTRAINT photos_sizes_fit CHECK (octet_length(content) <= 4194304 AND octet_length(preview) <= 262144),
  CONSTRAINT photos_has_an_area CHECK (width > 0 AND height > 0),
  CONSTRAINT photos_message_id_fkey FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);
-- A JPEG is as small as it gets: beside the row, and not pressed again.
ALTER TABLE photos ALTER COLUMN content SET STORAGE EXTERNAL, ALTER COLUMN preview SET STORAGE EXTERNAL;
COMMENT ON TABLE photos IS 'Photos of a talk, each with its message; encoded anew, without what a camera writes beside it';
COMMENT ON COLUMN photos.message_id IS 'The message that it is';
COMMENT ON COLUMN photos.content IS 'JPEG';
COMMENT ON COLUMN photos.preview IS 'JPEG, small, for the list';
COMMENT ON COLUMN photos.width IS 'Of the preview, pixels';
COMMENT ON COLUMN photos.height IS 'Of the preview, pixels';

-- Step 5: how far each has read
CREATE TABLE IF NOT EXISTS session_reads (
  session_id UUID NOT NULL,
  user_id UUID NOT NULL,
  number INTEGER NOT NULL,
  read_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT session_reads_pkey PRIMARY KEY (session_id, user_id),
  CONSTRAINT session_reads_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
  CONSTRAINT session_reads_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
COMMENT ON TABLE session_reads IS 'How far each of the two has read the talk';
COMMENT ON COLUMN session_reads.session_id IS 'The consultation';
COMMENT ON COLUMN session_reads.user_id IS 'Who reads';
COMMENT ON COLUMN session_reads.number IS 'Of the last message that was on their screen';
COMMENT ON COLUMN session_reads.read_at IS 'When it was';

-- Step 6: the mechanic's summary
ALTER TABLE sessions
  ADD COLUMN IF NOT EXISTS summary TEXT CONSTRAINT sessions_summary_has_a_length CHECK (length(summary) BETWEEN 1 AND 2000),
  ADD COLUMN IF NOT EXISTS summary_at TIMESTAMP WITH TIME ZONE
    CONSTRAINT sessions_summary_has_a_time CHECK ((summary IS NULL) = (summary_at IS NULL));
COMMENT ON COLUMN sessions.summary IS 'What the mechanic found, at most 2,000 characters';
COMMENT ON COLUMN sessions.summary_at IS 'When the summary was last written';

-- Step 7: where they meet
ALTER TABLE session_requests ADD COLUMN IF NOT EXISTS room TEXT;
COMMENT ON COLUMN session_requests.room IS '128 random bits in hex: where the two meet on video; new with each acceptance';
