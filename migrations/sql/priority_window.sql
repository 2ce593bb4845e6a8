-- The end of a window is a fact of the row. Through UTC, since adding an interval to a timestamptz is not immutable;
-- STORED, since PostgreSQL 18 would make it VIRTUAL, which no index can hold.
ALTER TABLE session_requests ADD COLUMN IF NOT EXISTS priority_expires_at timestamptz
  GENERATED ALWAYS AS (((priority_notified_at AT TIME ZONE 'UTC') + make_interval(mins => priority_window_minutes)) AT TIME ZONE 'UTC') STORED;
COMMENT ON COLUMN session_requests.priority_expires_at IS 'End of the priority window; computed by the table';

ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_window_makes_sense;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_window_makes_sense CHECK (priority_window_minutes BETWEEN 1 AND 120);

-- A mechanic deleted by SQL inside a window: everyone is asked at once, in the deleting transaction. The application itself
-- never deletes one. SET NULL is an ordinary update, so this fires for psql and for a cascade from users, too.
CREATE OR REPLACE FUNCTION preferred_mechanic_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- OLD's deadline: NEW's generated column is not computed yet in a BEFORE trigger.
  NEW.fallback_broadcast_at := clock_timestamp();
  NEW.fallback_reason := CASE WHEN OLD.priority_expires_at <= clock_timestamp()
                              THEN 'preferred_mechanic_no_response' ELSE 'preferred_mechanic_unavailable' END;
  RETURN NEW;
END $$;

-- Deferred: its events come behind every row lock of the deleting transaction (a plain row trigger deadlocks with a cancel, measured).
CREATE OR REPLACE FUNCTION preferred_mechanic_gone_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  told text := CASE NEW.fallback_reason WHEN 'preferred_mechanic_no_response' THEN 'priority_timeout' ELSE NEW.fallback_reason END;
BEGIN
  INSERT INTO request_events (session_request_id, kind, audience, customer_id, actor, payload) VALUES
    (NEW.id, 'request_broadcast', 'customer', NEW.customer_id, 'system',
     jsonb_build_object('reason', NEW.fallback_reason, 'rule', 'fallback')),
    (NEW.id, 'new_request', 'mechanics', NEW.customer_id, NULL,
     jsonb_build_object('routing_type', NEW.routing_type, 'fallback_reason', told));
  RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS preferred_mechanic_gone ON session_requests;
CREATE TRIGGER preferred_mechanic_gone BEFORE UPDATE OF preferred_mechanic_id ON session_requests FOR EACH ROW
  WHEN (OLD.preferred_mechanic_id IS NOT NULL AND NEW.preferred_mechanic_id IS NULL AND OLD.status = 'pending'
        AND OLD.priority_notified_at IS NOT NULL AND OLD.fallback_broadcast_at IS NULL)
  EXECUTE FUNCTION preferred_mechanic_gone();

DROP TRIGGER IF EXISTS preferred_mechanic_gone_events ON session_requests;
CREATE CONSTRAINT TRIGGER preferred_mechanic_gone_events AFTER UPDATE ON session_requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  WHEN (OLD.preferred_mechanic_id IS NOT NULL AND NEW.preferred_mechanic_id IS NULL AND OLD.status = 'pending'
        AND OLD.priority_notified_at IS NOT NULL AND OLD.fallback_broadcast_at IS NULL AND NEW.fallback_broadcast_at IS NOT NULL)
  EXECUTE FUNCTION preferred_mechanic_gone_events();
