-- Back to before: the former version knows neither what is owed back nor what failed. No row goes: what is owed back
-- counts as paid to it, or as started beside one that is paid; whoever goes back gives that money back by hand.

-- Step 1: rows that it can read
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_status_known;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_refund_reason_known;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_paid_has_a_time;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_refunded_has_a_time;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_owed_back_is_due;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_disputed_was_paid;
ALTER TABLE payments DROP CONSTRAINT IF EXISTS payments_received_has_a_currency;
UPDATE payments SET status = 'paid' WHERE status = 'refunding' AND NOT EXISTS (
  SELECT FROM payments other WHERE other.session_id = payments.session_id AND other.status = 'paid');
UPDATE payments SET status = 'started' WHERE status IN ('refunding', 'failed');
ALTER TABLE payments ADD CONSTRAINT payments_status_known CHECK (status IN ('started', 'paid', 'refunded'));

-- Step 2: what it does not know
DROP INDEX IF EXISTS payments_session_id_idx;
ALTER TABLE payments
  DROP COLUMN IF EXISTS url,
  DROP COLUMN IF EXISTS url_until,
  DROP COLUMN IF EXISTS awaited_at,
  DROP COLUMN IF EXISTS ask_due_at,
  DROP COLUMN IF EXISTS charge,
  DROP COLUMN IF EXISTS fee_cents,
  DROP COLUMN IF EXISTS received_cents,
  DROP COLUMN IF EXISTS received_currency,
  DROP COLUMN IF EXISTS refund_reason,
  DROP COLUMN IF EXISTS refund_reference,
  DROP COLUMN IF EXISTS refund_tries,
  DROP COLUMN IF EXISTS refund_due_at,
  DROP COLUMN IF EXISTS refund_problem,
  DROP COLUMN IF EXISTS disputed_at;
COMMENT ON COLUMN payments.status IS 'started, paid or refunded';
COMMENT ON COLUMN payments.refunded_at IS 'When it was given back';
COMMENT ON TABLE payments IS 'What a payment provider told us';
DROP TABLE IF EXISTS payment_events;
DELETE FROM feature_flags WHERE flag_key = 'ENABLE_PAID_PLANS';

-- Step 3: what the owner did stays known as far as it can be told
ALTER TABLE owner_events DROP CONSTRAINT IF EXISTS owner_events_kind_known;
DELETE FROM owner_events WHERE kind IN ('credits_refunded', 'payment_refunded');
ALTER TABLE owner_events ADD CONSTRAINT owner_events_kind_known CHECK (kind IN ('request_assigned', 'request_opened', 'request_released', 'request_completed', 'request_cancelled', 'mechanic_approved', 'mechanic_refused', 'mechanic_suspended', 'mechanic_restored', 'workshop_added', 'workshop_changed', 'workshop_joined', 'credits_granted', 'credits_corrected', 'flag_set', 'setting_changed', 'sending_retried', 'data_exported', 'person_erased'));
