-- Erasure: what says who somebody is goes, their row stays. Two columns without a default: no row is rewritten.

-- Step 1: the columns
ALTER TABLE customers ADD COLUMN IF NOT EXISTS erased_at timestamptz;
ALTER TABLE mechanics ADD COLUMN IF NOT EXISTS erased_at timestamptz;
COMMENT ON COLUMN customers.erased_at IS 'When what says who they are was erased; NULL: it was not';
COMMENT ON COLUMN mechanics.erased_at IS 'When what says who they are was erased; NULL: it was not';
COMMENT ON COLUMN credit_entries.note IS 'Why, for the owner; emptied when the customer is erased';

-- Step 2: nobody is there to help
ALTER TABLE mechanics DROP CONSTRAINT IF EXISTS mechanics_erased_does_not_help;
ALTER TABLE mechanics ADD CONSTRAINT mechanics_erased_does_not_help
  CHECK (erased_at IS NULL OR status <> 'approved') NOT VALID;

-- Step 3: proven without a lock that stops writers
ALTER TABLE mechanics VALIDATE CONSTRAINT mechanics_erased_does_not_help;
