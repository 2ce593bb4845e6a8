-- Back to messages that only have a time. Photos, summaries and read marks are lost.

-- Step 1: the tables
DROP TABLE IF EXISTS photos;
DROP TABLE IF EXISTS session_reads;

-- Step 2: the columns, and with them their indexes
ALTER TABLE messages DROP COLUMN IF EXISTS number, DROP COLUMN IF EXISTS mechanic_id, DROP COLUMN IF EXISTS client_key;
ALTER TABLE sessions DROP COLUMN IF EXISTS summary, DROP COLUMN IF EXISTS summary_at;
ALTER TABLE session_requests DROP COLUMN IF EXISTS room;

-- Step 3: the order of time
CREATE INDEX IF NOT EXISTS messages_session_id_idx ON messages (session_id, at);
