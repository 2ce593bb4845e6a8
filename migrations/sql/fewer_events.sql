-- Step 1: the kinds as they were
ALTER TABLE request_events ADD CONSTRAINT request_events_kind_known CHECK (kind IN ('priority_session_request', 'new_request', 'request_accepted', 'request_cancelled', 'request_expired', 'request_withdrawn', 'request_offered', 'request_declined', 'request_broadcast', 'request_released', 'request_started', 'request_completed'));
