-- Web Push: where a device is reached whose board is closed, and what was sent there.

-- Step 1: where
CREATE TABLE IF NOT EXISTS push_subscriptions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  sign_in_id uuid NOT NULL,
  endpoint text NOT NULL,
  p256dh text NOT NULL,
  auth text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT push_subscriptions_pkey PRIMARY KEY (id),
  CONSTRAINT push_subscriptions_endpoint_key UNIQUE (endpoint),
  CONSTRAINT push_subscriptions_sign_in_id_key UNIQUE (sign_in_id),
  CONSTRAINT push_subscriptions_endpoint_fits CHECK (length(endpoint) <= 2000),
  CONSTRAINT push_subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT push_subscriptions_sign_in_id_fkey FOREIGN KEY (sign_in_id) REFERENCES sign_ins (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS push_subscriptions_user_id_idx ON push_subscriptions (user_id);
COMMENT ON TABLE push_subscriptions IS 'Where a push service reaches a browser whose pages are closed';
COMMENT ON COLUMN push_subscriptions.id IS 'Random key';
COMMENT ON COLUMN push_subscriptions.user_id IS 'Whose';
COMMENT ON COLUMN push_subscriptions.sign_in_id IS 'The sign-in of that browser; when it ends, so does this';
COMMENT ON COLUMN push_subscriptions.endpoint IS 'Address at the push service; who knows it can send there';
COMMENT ON COLUMN push_subscriptions.p256dh IS 'The browser''s public key, base64url: only it reads what is sent';
COMMENT ON COLUMN push_subscriptions.auth IS 'The secret shared with the browser, base64url';
COMMENT ON COLUMN push_subscriptions.created_at IS 'When the row was written';

-- Step 2: what
CREATE TABLE IF NOT EXISTS push_sendings (
  session_request_id uuid NOT NULL,
  subscription_id uuid NOT NULL,
  state text NOT NULL,
  tries integer NOT NULL,
  due_at timestamptz NOT NULL,
  CONSTRAINT push_sendings_pkey PRIMARY KEY (session_request_id, subscription_id),
  CONSTRAINT push_sendings_state_known CHECK (state IN ('offering', 'offered', 'closing'))
);
COMMENT ON TABLE push_sendings IS 'Which offer is sent, or was, to which browser; gone when its notification is closed';
COMMENT ON COLUMN push_sendings.session_request_id IS 'The offer: there is one a session request, ever';
COMMENT ON COLUMN push_sendings.subscription_id IS 'The browser';
COMMENT ON COLUMN push_sendings.state IS 'offering, offered or closing';
COMMENT ON COLUMN push_sendings.tries IS 'How often it was tried in this state';
COMMENT ON COLUMN push_sendings.due_at IS 'Until then it is in the hands of the process that took it; then of any';

-- Step 3: a browser that is signed out hears nothing more
CREATE OR REPLACE FUNCTION sign_ins_end_push() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM push_subscriptions WHERE sign_in_id = NEW.id;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS sign_ins_end_push ON sign_ins;
CREATE TRIGGER sign_ins_end_push AFTER UPDATE OF ended_at ON sign_ins FOR EACH ROW
  WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION sign_ins_end_push();
