-- Back to a board without assignments and alarms; who was given a job keeps it.

-- Step 1: what cannot be said any more
DELETE FROM request_events WHERE kind IN ('request_assigned', 'request_unattended');
-- Step 2
DELETE FROM push_sendings WHERE state IN ('assigning', 'assigned');

-- Step 3: the indexes
DROP INDEX IF EXISTS request_events_unattended_idx, session_requests_closed_at_idx;

-- Step 4: the sets as they were
ALTER TABLE request_events DROP CONSTRAINT IF EXISTS request_events_kind_known;
ALTER TABLE request_events ADD CONSTRAINT request_events_kind_known CHECK (kind IN ('priority_session_request', 'new_request', 'request_accepted', 'request_cancelled', 'request_expired', 'request_withdrawn', 'request_offered', 'request_declined', 'request_broadcast', 'request_released', 'request_started', 'request_completed', 'request_delivered', 'request_extended', 'request_prolonged', 'message_sent'));
-- Step 5
ALTER TABLE push_sendings DROP CONSTRAINT IF EXISTS push_sendings_state_known;
ALTER TABLE push_sendings ADD CONSTRAINT push_sendings_state_known CHECK (state IN ('offering', 'offered', 'closing'));

-- Step 6: the columns, and with them their check
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_assigned_is_accepted;
-- Step 7
ALTER TABLE session_requests DROP COLUMN IF EXISTS assigned_at, DROP COLUMN IF EXISTS reopened_at, DROP COLUMN IF EXISTS unattended_at;
