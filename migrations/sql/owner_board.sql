-- The owner's board: who was given a job, since when everyone is asked, and of which the owner was told. Columns without
-- a default: no row is rewritten. Safe to repeat.

-- Step 1: the columns
ALTER TABLE session_requests
  ADD COLUMN IF NOT EXISTS assigned_at timestamptz,
  ADD COLUMN IF NOT EXISTS reopened_at timestamptz,
  ADD COLUMN IF NOT EXISTS unattended_at timestamptz;
COMMENT ON COLUMN session_requests.assigned_at IS 'When the owner gave it to who has it, the same as accepted_at; NULL: they accepted it themselves';
COMMENT ON COLUMN session_requests.reopened_at IS 'When everyone was last asked anew: an acceptance was taken back, or its workshop was left';
COMMENT ON COLUMN session_requests.unattended_at IS 'When the owner was told, once, that nobody takes it; NULL: not';

-- Step 2: who is given a job has it
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_assigned_is_accepted;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_assigned_is_accepted
  CHECK (assigned_at IS NULL OR accepted_at IS NOT NULL) NOT VALID;

-- Step 3: two kinds of events more; wider than before, so no row needs to be looked at again
ALTER TABLE request_events DROP CONSTRAINT IF EXISTS request_events_kind_known;
ALTER TABLE request_events ADD CONSTRAINT request_events_kind_known CHECK (kind IN ('priority_session_request', 'new_request', 'request_accepted', 'request_cancelled', 'request_expired', 'request_withdrawn', 'request_offered', 'request_declined', 'request_broadcast', 'request_released', 'request_started', 'request_completed', 'request_delivered', 'request_extended', 'request_prolonged', 'request_assigned', 'request_unattended', 'message_sent')) NOT VALID;

-- Step 4: two states more of what is pushed
ALTER TABLE push_sendings DROP CONSTRAINT IF EXISTS push_sendings_state_known;
ALTER TABLE push_sendings ADD CONSTRAINT push_sendings_state_known CHECK (state IN ('offering', 'offered', 'assigning', 'assigned', 'closing')) NOT VALID;
COMMENT ON TABLE push_sendings IS 'Which offer or job is sent, or was, to which browser; gone when its notification is closed';
COMMENT ON COLUMN push_sendings.session_request_id IS 'The offer, there is one a session request; or the job';
COMMENT ON COLUMN push_sendings.state IS 'offering, offered, assigning, assigned or closing';

-- Step 5: proven without a lock that stops writers
ALTER TABLE session_requests VALIDATE CONSTRAINT session_requests_assigned_is_accepted;
-- Step 6
ALTER TABLE request_events VALIDATE CONSTRAINT request_events_kind_known;
-- Step 7
ALTER TABLE push_sendings VALIDATE CONSTRAINT push_sendings_state_known;
