-- Saved vehicles, and who wants mail. Safe to repeat; each step commits by itself, as an index made CONCURRENTLY needs.

-- Step 1: the customer's wish, and when a page of theirs was open; constant defaults rewrite nothing
ALTER TABLE customers ADD COLUMN IF NOT EXISTS wants_mail BOOLEAN DEFAULT true NOT NULL,
  ADD COLUMN IF NOT EXISTS page_seen_at TIMESTAMP WITH TIME ZONE;
COMMENT ON COLUMN customers.wants_mail IS 'Whether to write when no page of theirs is open';
COMMENT ON COLUMN customers.page_seen_at IS 'When a page of theirs with a stream was last open, to about 10 s';

-- Step 2: their cars
CREATE TABLE IF NOT EXISTS vehicles (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  customer_id UUID NOT NULL,
  vin TEXT DEFAULT '' NOT NULL,
  year INTEGER,
  make TEXT DEFAULT '' NOT NULL,
  model TEXT DEFAULT '' NOT NULL,
  plate TEXT DEFAULT '' NOT NULL,
  identity TEXT GENERATED ALWAYS AS (CASE WHEN vin <> '' THEN vin
    ELSE lower(((((((year)::text || ' ') || make) || ' ') || model) || ' ') || plate) END) STORED NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT vehicles_pkey PRIMARY KEY (id),
  CONSTRAINT vehicles_vin_is_whole CHECK (vin = '' OR length(vin) = 17),
  CONSTRAINT vehicles_car_is_known CHECK (vin <> '' OR (year IS NOT NULL AND make <> '' AND model <> '')),
  CONSTRAINT vehicles_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS vehicles_once_per_customer ON vehicles (customer_id, identity);
COMMENT ON TABLE vehicles IS 'Cars that customers keep for the next booking';
COMMENT ON COLUMN vehicles.id IS 'Random key';
COMMENT ON COLUMN vehicles.customer_id IS 'Whose';
COMMENT ON COLUMN vehicles.vin IS '17 characters, or empty';
COMMENT ON COLUMN vehicles.year IS 'When it was made';
COMMENT ON COLUMN vehicles.make IS 'Who made it';
COMMENT ON COLUMN vehicles.model IS 'What it is called';
COMMENT ON COLUMN vehicles.plate IS 'License plate';
COMMENT ON COLUMN vehicles.identity IS 'What makes it this car: the VIN, else all the rest; computed by the table';
COMMENT ON COLUMN vehicles.used_at IS 'When it was saved or last booked with';
COMMENT ON COLUMN vehicles.created_at IS 'When the row was written';

-- Step 3: what was told by mail
CREATE TABLE IF NOT EXISTS mails (
  event_id BIGINT NOT NULL,
  user_id UUID NOT NULL,
  tries INTEGER DEFAULT 1 NOT NULL,
  next_try_at TIMESTAMP WITH TIME ZONE NOT NULL,
  sent_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT mails_pkey PRIMARY KEY (event_id, user_id),
  CONSTRAINT mails_was_tried CHECK (tries >= 1),
  CONSTRAINT mails_event_id_fkey FOREIGN KEY (event_id) REFERENCES request_events (id) ON DELETE CASCADE,
  CONSTRAINT mails_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS mails_user_id_idx ON mails (user_id);
COMMENT ON TABLE mails IS 'Events told by mail because no page was open; a row is written before the mail is sent';
COMMENT ON COLUMN mails.event_id IS 'Of what';
COMMENT ON COLUMN mails.user_id IS 'Whom';
COMMENT ON COLUMN mails.tries IS 'How often it was taken to be sent';
COMMENT ON COLUMN mails.next_try_at IS 'When it may be taken again, unless it was sent';
COMMENT ON COLUMN mails.sent_at IS 'When the mail server had taken it; NULL: it has not';
COMMENT ON COLUMN mails.created_at IS 'When the row was written';

-- Step 4: what a broken run left behind; IF NOT EXISTS would keep it
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = 'public.request_events'::regclass AND NOT indisvalid
               AND relname = 'request_events_worth_a_mail_idx') THEN
    DROP INDEX public.request_events_worth_a_mail_idx;
  END IF;
END $$;

-- Step 5: what may be worth a mail, for whoever looks for it every few seconds
CREATE INDEX CONCURRENTLY IF NOT EXISTS request_events_worth_a_mail_idx ON public.request_events (at)
  WHERE audience = 'customer' AND kind IN ('request_accepted', 'request_expired');
