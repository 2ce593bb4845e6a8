-- Paid plans by a provider: where a payment is made, what became of it, and how it goes back. Columns without a default,
-- or with a constant: no row is rewritten. Safe to repeat; each step commits by itself, as indexes made CONCURRENTLY need.

-- Step 1: the columns
ALTER TABLE payments
  ADD COLUMN IF NOT EXISTS url text,
  ADD COLUMN IF NOT EXISTS url_until timestamptz,
  ADD COLUMN IF NOT EXISTS awaited_at timestamptz,
  ADD COLUMN IF NOT EXISTS ask_due_at timestamptz,
  ADD COLUMN IF NOT EXISTS charge text,
  ADD COLUMN IF NOT EXISTS fee_cents integer,
  ADD COLUMN IF NOT EXISTS received_cents integer,
  ADD COLUMN IF NOT EXISTS received_currency text,
  ADD COLUMN IF NOT EXISTS refund_reason text,
  ADD COLUMN IF NOT EXISTS refund_reference text,
  ADD COLUMN IF NOT EXISTS refund_tries integer DEFAULT 0 NOT NULL,
  ADD COLUMN IF NOT EXISTS refund_due_at timestamptz,
  ADD COLUMN IF NOT EXISTS refund_problem text,
  ADD COLUMN IF NOT EXISTS disputed_at timestamptz;
COMMENT ON COLUMN payments.url IS 'The provider''s page, where it is paid';
COMMENT ON COLUMN payments.url_until IS 'Until when it can be paid there';
COMMENT ON COLUMN payments.awaited_at IS 'When the customer had done their part while the bank had not answered';
COMMENT ON COLUMN payments.ask_due_at IS 'When we ask the provider what became of it, or what it costs; NULL: we know';
COMMENT ON COLUMN payments.charge IS 'The provider''s key of the payment itself';
COMMENT ON COLUMN payments.fee_cents IS 'What the provider keeps; NULL: not known yet';
COMMENT ON COLUMN payments.received_cents IS 'What was paid';
COMMENT ON COLUMN payments.received_currency IS 'ISO 4217';
COMMENT ON COLUMN payments.refund_reason IS 'Why it goes back, a code';
COMMENT ON COLUMN payments.refund_reference IS 'The provider''s key of the refund';
COMMENT ON COLUMN payments.refund_tries IS 'How often we asked for the refund';
COMMENT ON COLUMN payments.refund_due_at IS 'When we ask for the refund, again or at first';
COMMENT ON COLUMN payments.refund_problem IS 'Why it was not confirmed, the provider''s code';
COMMENT ON COLUMN payments.disputed_at IS 'When the customer''s bank took it back; from then on we give nothing back ourselves';
COMMENT ON COLUMN payments.status IS 'started, failed, paid, refunding or refunded';
COMMENT ON COLUMN payments.refunded_at IS 'When the provider confirmed that it was given back';
COMMENT ON TABLE payments IS 'What a payment provider told us; never anything of a card';

-- Step 2: what they may say together; wider than before, so no row needs to be looked at under the lock
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_status_known;
ALTER TABLE payments ADD CONSTRAINT payments_status_known CHECK (status IN ('started', 'failed', 'paid', 'refunding', 'refunded')) NOT VALID;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_refund_reason_known;
ALTER TABLE payments ADD CONSTRAINT payments_refund_reason_known CHECK (refund_reason IN ('cancelled', 'expired', 'open_request', 'already_paid', 'not_bookable', 'amount_differs', 'currency_differs', 'owner', 'by_provider')) NOT VALID;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_paid_has_a_time;
ALTER TABLE payments ADD CONSTRAINT payments_paid_has_a_time CHECK ((status IN ('paid', 'refunding', 'refunded')) = (paid_at IS NOT NULL)) NOT VALID;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_refunded_has_a_time;
ALTER TABLE payments ADD CONSTRAINT payments_refunded_has_a_time CHECK ((status = 'refunded') = (refunded_at IS NOT NULL)) NOT VALID;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_owed_back_is_due;
ALTER TABLE payments ADD CONSTRAINT payments_owed_back_is_due CHECK (CASE WHEN status = 'refunding' THEN refund_reason IS NOT NULL AND (refund_due_at IS NULL) = (disputed_at IS NOT NULL) ELSE refund_due_at IS NULL END) NOT VALID;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_disputed_was_paid;
ALTER TABLE payments ADD CONSTRAINT payments_disputed_was_paid CHECK (disputed_at IS NULL OR status IN ('paid', 'refunding', 'refunded')) NOT VALID;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_received_has_a_currency;
ALTER TABLE payments ADD CONSTRAINT payments_received_has_a_currency CHECK ((received_cents IS NULL) = (received_currency IS NULL)) NOT VALID;

-- Step 3: two kinds of what the owner does more
ALTER TABLE owner_events DROP CONSTRAINT IF EXISTS owner_events_kind_known;
ALTER TABLE owner_events ADD CONSTRAINT owner_events_kind_known CHECK (kind IN ('request_assigned', 'request_opened', 'request_released', 'request_completed', 'request_cancelled', 'mechanic_approved', 'mechanic_refused', 'mechanic_suspended', 'mechanic_restored', 'workshop_added', 'workshop_changed', 'workshop_joined', 'credits_granted', 'credits_corrected', 'credits_refunded', 'payment_refunded', 'flag_set', 'setting_changed', 'sending_retried', 'data_exported', 'person_erased')) NOT VALID;

-- Step 4: what the provider told us by itself
CREATE TABLE IF NOT EXISTS payment_events (
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  reference TEXT NOT NULL,
  payload JSONB DEFAULT '{}' NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  applied_at TIMESTAMP WITH TIME ZONE,
  outcome TEXT,
  CONSTRAINT payment_events_pkey PRIMARY KEY (id),
  CONSTRAINT payment_events_kind_known CHECK (kind IN ('checkout.session.completed', 'checkout.session.async_payment_succeeded', 'checkout.session.async_payment_failed', 'checkout.session.expired', 'charge.refunded', 'refund.updated', 'refund.failed', 'charge.dispute.created')),
  CONSTRAINT payment_events_applied_has_an_outcome CHECK ((applied_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE payment_events IS 'What a payment provider told us by itself, each once';
COMMENT ON COLUMN payment_events.id IS 'The provider''s own key of the event';
COMMENT ON COLUMN payment_events.kind IS 'The provider''s word for what happened';
COMMENT ON COLUMN payment_events.reference IS 'Of which payment: the provider''s key of it, or of its charge';
COMMENT ON COLUMN payment_events.payload IS 'The few fields that we use; never anything of a card, name or address';
COMMENT ON COLUMN payment_events.occurred_at IS 'When it happened, by the provider''s clock';
COMMENT ON COLUMN payment_events.received_at IS 'When it first reached us';
COMMENT ON COLUMN payment_events.applied_at IS 'When it had its effect; NULL: its payment is not there, it is kept';
COMMENT ON COLUMN payment_events.outcome IS 'applied, nothing (it changed nothing) or unmatched';
CREATE INDEX IF NOT EXISTS payment_events_kept_idx ON payment_events (reference) WHERE applied_at IS NULL;

-- Step 5: the second switch. NULL: the environment variable of that name decides
INSERT INTO feature_flags (flag_key, is_enabled, description)
VALUES ('ENABLE_PAID_PLANS', NULL, 'A payment can be started.')
ON CONFLICT (flag_key) DO NOTHING;

-- Step 6: proven without a lock that stops writers
ALTER TABLE payments VALIDATE CONSTRAINT payments_status_known;
-- Step 7
ALTER TABLE payments VALIDATE CONSTRAINT payments_refund_reason_known;
-- Step 8
ALTER TABLE payments VALIDATE CONSTRAINT payments_paid_has_a_time;
-- Step 9
ALTER TABLE payments VALIDATE CONSTRAINT payments_refunded_has_a_time;
-- Step 10
ALTER TABLE payments VALIDATE CONSTRAINT payments_owed_back_is_due;
-- Step 11
ALTER TABLE payments VALIDATE CONSTRAINT payments_disputed_was_paid;
-- Step 12
ALTER TABLE payments VALIDATE CONSTRAINT payments_received_has_a_currency;
-- Step 13
ALTER TABLE owner_events VALIDATE CONSTRAINT owner_events_kind_known;

-- Step 14: what a broken run left behind; IF NOT EXISTS would keep it
DO $$
DECLARE broken TEXT;
BEGIN
  FOR broken IN SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                 WHERE indrelid = 'public.payments'::regclass AND NOT indisvalid AND relname IN
                   ('payments_ask_due_idx', 'payments_charge_key', 'payments_refund_due_idx', 'payments_session_id_idx')
  LOOP
    EXECUTE 'DROP INDEX public.' || quote_ident(broken);
  END LOOP;
END $$;

-- Step 15: what is due, a sliver of the table each
CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_ask_due_idx ON public.payments (ask_due_at) WHERE ask_due_at IS NOT NULL;
-- Step 16: by the charge
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS payments_charge_key ON public.payments (provider, charge) WHERE charge IS NOT NULL;
-- Step 17
CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_refund_due_idx ON public.payments (refund_due_at) WHERE refund_due_at IS NOT NULL;
-- Step 18: of a consultation, and its deletion
CREATE INDEX CONCURRENTLY IF NOT EXISTS payments_session_id_idx ON public.payments (session_id);
