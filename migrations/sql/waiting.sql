-- What the waiting page tells. Two columns without a default: no row is rewritten.

-- Step 1: the columns
ALTER TABLE session_requests
  ADD COLUMN IF NOT EXISTS delivered_at timestamptz,
  ADD COLUMN IF NOT EXISTS prolonged_at timestamptz;
COMMENT ON COLUMN session_requests.delivered_at IS 'When a device of the preferred mechanic first said that it shows the offer; NULL when none did';
COMMENT ON COLUMN session_requests.prolonged_at IS 'When the customer chose to wait one lifetime longer; NULL when they did not';

-- Step 2: only what was offered is delivered
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_delivered_was_offered;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_delivered_was_offered
  CHECK (delivered_at IS NULL OR priority_notified_at IS NOT NULL) NOT VALID;

-- Step 3: proven without a lock that stops writers
ALTER TABLE session_requests VALIDATE CONSTRAINT session_requests_delivered_was_offered;
