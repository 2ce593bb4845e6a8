-- Everything but the seeds' phase 4 (see phase_4_favorites_priority_columns.sql) and what builds on it. Safe to repeat.
CREATE TABLE IF NOT EXISTS engine_beats (
  id INTEGER GENERATED ALWAYS AS IDENTITY,
  at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  leader TEXT NOT NULL,
  lapsed INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  lateness_ms DOUBLE PRECISION,
  CONSTRAINT engine_beats_pkey PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS engine_beats_at_idx ON engine_beats (at);
COMMENT ON TABLE engine_beats IS 'One row a poll; the newest tells that the scheduler lives';
COMMENT ON COLUMN engine_beats.id IS 'Counts';
COMMENT ON COLUMN engine_beats.at IS 'When the poll ended';
COMMENT ON COLUMN engine_beats.leader IS 'Host and process that polled';
COMMENT ON COLUMN engine_beats.lapsed IS 'Windows broadcast';
COMMENT ON COLUMN engine_beats.expired IS 'Session requests expired';
COMMENT ON COLUMN engine_beats.lateness_ms IS 'Of the latest broadcast after its window''s end; NULL: none';

CREATE TABLE IF NOT EXISTS feature_flags (
  flag_key TEXT NOT NULL,
  is_enabled BOOLEAN,
  description TEXT DEFAULT '' NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT feature_flags_pkey PRIMARY KEY (flag_key)
);
COMMENT ON TABLE feature_flags IS 'Switches that work at once, without a restart';
COMMENT ON COLUMN feature_flags.flag_key IS 'Its name, and that of its environment variable';
COMMENT ON COLUMN feature_flags.is_enabled IS 'NULL: the environment variable decides';
COMMENT ON COLUMN feature_flags.description IS 'One plain sentence';
COMMENT ON COLUMN feature_flags.updated_at IS 'When it was last changed here';

CREATE TABLE IF NOT EXISTS plans (
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  price_cents INTEGER NOT NULL,
  currency TEXT DEFAULT 'USD' NOT NULL,
  minutes INTEGER NOT NULL,
  session_type TEXT NOT NULL,
  credits INTEGER,
  position INTEGER NOT NULL,
  is_active BOOLEAN DEFAULT true NOT NULL,
  CONSTRAINT plans_pkey PRIMARY KEY (code),
  CONSTRAINT plans_amounts_make_sense CHECK (price_cents >= 0 AND minutes > 0 AND credits > 0)
);
COMMENT ON TABLE plans IS 'What can be booked; rows come with a migration';
COMMENT ON COLUMN plans.code IS 'free, chat10, video15, diagnostic';
COMMENT ON COLUMN plans.name IS 'As customers see it';
COMMENT ON COLUMN plans.price_cents IS '0 is free, once for each customer';
COMMENT ON COLUMN plans.currency IS 'ISO 4217';
COMMENT ON COLUMN plans.minutes IS 'How long the consultation is';
COMMENT ON COLUMN plans.session_type IS 'chat, video or diagnostic';
COMMENT ON COLUMN plans.credits IS 'Price in credits; NULL: not for credits';
COMMENT ON COLUMN plans.position IS 'Order on the page';
COMMENT ON COLUMN plans.is_active IS 'False: not offered any more';

CREATE TABLE IF NOT EXISTS request_events (
  id BIGINT NOT NULL,
  session_request_id UUID NOT NULL,
  kind TEXT NOT NULL,
  audience TEXT NOT NULL,
  mechanic_id UUID,
  workshop_id UUID,
  customer_id UUID,
  actor TEXT,
  payload JSONB DEFAULT '{}' NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT request_events_pkey PRIMARY KEY (id),
  CONSTRAINT request_events_kind_known CHECK (kind IN ('priority_session_request', 'new_request', 'request_accepted', 'request_cancelled', 'request_expired', 'request_withdrawn', 'request_offered', 'request_declined', 'request_broadcast', 'request_released', 'request_started', 'request_completed')),
  CONSTRAINT request_events_audience_known CHECK (audience IN ('record', 'customer', 'mechanic', 'mechanics', 'workshop'))
);
CREATE INDEX IF NOT EXISTS request_events_session_request_id_idx ON request_events (session_request_id, id);
COMMENT ON TABLE request_events IS 'What happened to a session request: audit trail, outbox and live feed';
COMMENT ON COLUMN request_events.id IS 'In commit order; drawn by a trigger, under a lock';
COMMENT ON COLUMN request_events.session_request_id IS 'Which session request';
COMMENT ON COLUMN request_events.kind IS 'The event''s name on the stream';
COMMENT ON COLUMN request_events.audience IS 'record, customer, mechanic, mechanics or workshop';
COMMENT ON COLUMN request_events.mechanic_id IS 'Whom it is for, or about';
COMMENT ON COLUMN request_events.workshop_id IS 'Whose mechanics it is for';
COMMENT ON COLUMN request_events.customer_id IS 'Whose session request';
COMMENT ON COLUMN request_events.actor IS 'customer:ID, mechanic:ID, admin:ID or system; on the first row of a transition';
COMMENT ON COLUMN request_events.payload IS 'Codes, ids and times; never words of or about a person';
COMMENT ON COLUMN request_events.at IS 'When, by the database''s clock';

CREATE TABLE IF NOT EXISTS users (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  email TEXT NOT NULL,
  password TEXT,
  active BOOLEAN DEFAULT true NOT NULL,
  role TEXT NOT NULL,
  fs_uniquifier TEXT NOT NULL,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  time_zone TEXT DEFAULT 'UTC' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_role_known CHECK (role IN ('customer', 'mechanic', 'admin')),
  CONSTRAINT users_email_is_lower_case CHECK (email = lower(email)),
  CONSTRAINT users_email_key UNIQUE (email),
  CONSTRAINT users_fs_uniquifier_key UNIQUE (fs_uniquifier)
);
COMMENT ON TABLE users IS 'Whoever can sign in';
COMMENT ON COLUMN users.id IS 'Random key';
COMMENT ON COLUMN users.email IS 'Lower case';
COMMENT ON COLUMN users.password IS 'argon2id hash; NULL until the invitation is taken';
COMMENT ON COLUMN users.active IS 'False: may not sign in';
COMMENT ON COLUMN users.role IS 'customer, mechanic or admin';
COMMENT ON COLUMN users.fs_uniquifier IS 'Flask-Security''s session key; a new one ends every sign-in';
COMMENT ON COLUMN users.confirmed_at IS 'When the e-mail address was confirmed';
COMMENT ON COLUMN users.time_zone IS 'IANA name, from the browser at sign-up';
COMMENT ON COLUMN users.created_at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS workshops (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  is_active BOOLEAN DEFAULT true NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT workshops_pkey PRIMARY KEY (id),
  CONSTRAINT workshops_slug_is_plain CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  CONSTRAINT workshops_slug_key UNIQUE (slug)
);
COMMENT ON TABLE workshops IS 'A business whose own mechanics are asked by its link /w/{slug}';
COMMENT ON COLUMN workshops.id IS 'Random key';
COMMENT ON COLUMN workshops.slug IS 'The link''s last part';
COMMENT ON COLUMN workshops.name IS 'As customers know it';
COMMENT ON COLUMN workshops.is_active IS 'False: its link answers like a missing one';
COMMENT ON COLUMN workshops.created_at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS customers (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  user_id UUID NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT DEFAULT '' NOT NULL,
  phone TEXT DEFAULT '' NOT NULL,
  city TEXT DEFAULT '' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT customers_pkey PRIMARY KEY (id),
  CONSTRAINT customers_user_id_key UNIQUE (user_id),
  CONSTRAINT customers_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
COMMENT ON TABLE customers IS 'Who books';
COMMENT ON COLUMN customers.id IS 'Random key';
COMMENT ON COLUMN customers.user_id IS 'The account';
COMMENT ON COLUMN customers.first_name IS 'All a mechanic sees before acceptance';
COMMENT ON COLUMN customers.last_name IS 'Family name';
COMMENT ON COLUMN customers.phone IS 'Fills the next intake';
COMMENT ON COLUMN customers.city IS 'Fills the next intake';
COMMENT ON COLUMN customers.created_at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS mechanics (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  user_id UUID NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT DEFAULT '' NOT NULL,
  status TEXT DEFAULT 'pending' NOT NULL,
  workshop_id UUID,
  phone TEXT DEFAULT '' NOT NULL,
  city TEXT DEFAULT '' NOT NULL,
  about TEXT DEFAULT '' NOT NULL,
  shift_started_at TIMESTAMP WITH TIME ZONE,
  board_seen_at TIMESTAMP WITH TIME ZONE,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT mechanics_pkey PRIMARY KEY (id),
  CONSTRAINT mechanics_status_known CHECK (status IN ('pending', 'approved', 'suspended', 'refused')),
  CONSTRAINT mechanics_user_id_key UNIQUE (user_id),
  CONSTRAINT mechanics_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT mechanics_workshop_id_fkey FOREIGN KEY(workshop_id) REFERENCES workshops (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS mechanics_workshop_id_idx ON mechanics (workshop_id);
COMMENT ON TABLE mechanics IS 'Who helps';
COMMENT ON COLUMN mechanics.id IS 'Random key';
COMMENT ON COLUMN mechanics.user_id IS 'The account';
COMMENT ON COLUMN mechanics.first_name IS 'As customers see it';
COMMENT ON COLUMN mechanics.last_name IS 'Family name';
COMMENT ON COLUMN mechanics.status IS 'pending, approved, suspended or refused';
COMMENT ON COLUMN mechanics.workshop_id IS 'NULL: independent';
COMMENT ON COLUMN mechanics.phone IS 'Shown to the customer after acceptance';
COMMENT ON COLUMN mechanics.city IS 'Where they are';
COMMENT ON COLUMN mechanics.about IS 'In their own words';
COMMENT ON COLUMN mechanics.shift_started_at IS 'Set: on shift';
COMMENT ON COLUMN mechanics.board_seen_at IS 'When a board of theirs was last open; within 30 s and on shift is present';
COMMENT ON COLUMN mechanics.created_at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS sign_ins (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  user_id UUID NOT NULL,
  key_hash TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT sign_ins_pkey PRIMARY KEY (id),
  CONSTRAINT sign_ins_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE,
  CONSTRAINT sign_ins_key_hash_key UNIQUE (key_hash)
);
CREATE INDEX IF NOT EXISTS sign_ins_user_id_idx ON sign_ins (user_id);
COMMENT ON TABLE sign_ins IS 'One row a sign-in; ending it revokes the cookie that names it';
COMMENT ON COLUMN sign_ins.id IS 'Random key';
COMMENT ON COLUMN sign_ins.user_id IS 'Whose';
COMMENT ON COLUMN sign_ins.key_hash IS 'SHA-256, in hex, of the 256-bit random key in the cookie';
COMMENT ON COLUMN sign_ins.started_at IS 'When they signed in';
COMMENT ON COLUMN sign_ins.seen_at IS 'When it was last used, to the minute';
COMMENT ON COLUMN sign_ins.expires_at IS 'End at the latest';
COMMENT ON COLUMN sign_ins.ended_at IS 'Sign-out, password or role change, suspension';

CREATE TABLE IF NOT EXISTS customer_favorites (
  customer_id UUID NOT NULL,
  mechanic_id UUID NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT customer_favorites_pkey PRIMARY KEY (customer_id, mechanic_id),
  CONSTRAINT customer_favorites_customer_id_fkey FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE,
  CONSTRAINT customer_favorites_mechanic_id_fkey FOREIGN KEY(mechanic_id) REFERENCES mechanics (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS customer_favorites_mechanic_id_idx ON customer_favorites (mechanic_id);
COMMENT ON TABLE customer_favorites IS 'A customer''s mark on a mechanic';
COMMENT ON COLUMN customer_favorites.customer_id IS 'Whose favorite';
COMMENT ON COLUMN customer_favorites.mechanic_id IS 'Who';
COMMENT ON COLUMN customer_favorites.created_at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS sessions (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  customer_id UUID NOT NULL,
  plan_code TEXT NOT NULL,
  session_type TEXT NOT NULL,
  status TEXT DEFAULT 'draft' NOT NULL,
  price_cents INTEGER NOT NULL,
  currency TEXT NOT NULL,
  paid_by TEXT,
  metadata JSONB DEFAULT '{}' NOT NULL,
  form_key TEXT,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE,
  closed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_status_known CHECK (status IN ('draft', 'ready', 'live', 'completed', 'cancelled')),
  CONSTRAINT sessions_paid_by_known CHECK (paid_by IN ('free', 'credits', 'payment')),
  CONSTRAINT sessions_customer_id_fkey FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE,
  CONSTRAINT sessions_plan_code_fkey FOREIGN KEY(plan_code) REFERENCES plans (code)
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_form_key_once_per_customer ON sessions (customer_id, form_key);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_one_free_per_customer ON sessions (customer_id) WHERE plan_code = 'free' AND status IN ('ready', 'live', 'completed');
COMMENT ON TABLE sessions IS 'Consultations: what was booked';
COMMENT ON COLUMN sessions.id IS 'Random key';
COMMENT ON COLUMN sessions.customer_id IS 'Who booked';
COMMENT ON COLUMN sessions.plan_code IS 'Which plan';
COMMENT ON COLUMN sessions.session_type IS 'chat, video or diagnostic';
COMMENT ON COLUMN sessions.status IS 'draft, ready, live, completed or cancelled';
COMMENT ON COLUMN sessions.price_cents IS 'The plan''s price when it was chosen';
COMMENT ON COLUMN sessions.currency IS 'ISO 4217';
COMMENT ON COLUMN sessions.paid_by IS 'free, credits or payment; set when it is ready';
COMMENT ON COLUMN sessions.metadata IS 'The choice: preferred_mechanic_id, routing_type, workshop_id; keys absent when not given';
COMMENT ON COLUMN sessions.form_key IS 'The intake form''s random key';
COMMENT ON COLUMN sessions.created_at IS 'When the row was written';
COMMENT ON COLUMN sessions.started_at IS 'When the mechanic pressed Start';
COMMENT ON COLUMN sessions.closed_at IS 'When it was completed or cancelled';

CREATE TABLE IF NOT EXISTS credit_entries (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  customer_id UUID NOT NULL,
  session_id UUID,
  kind TEXT NOT NULL,
  credits INTEGER NOT NULL,
  note TEXT DEFAULT '' NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT credit_entries_pkey PRIMARY KEY (id),
  CONSTRAINT credit_entries_kind_known CHECK (kind IN ('grant', 'spend', 'refund', 'correction')),
  CONSTRAINT credit_entries_sign_fits_kind CHECK ((kind = 'spend' AND credits < 0) OR (kind IN ('grant', 'refund') AND credits > 0) OR kind = 'correction'),
  CONSTRAINT credit_entries_customer_id_fkey FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE,
  CONSTRAINT credit_entries_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS credit_entries_customer_id_idx ON credit_entries (customer_id);
CREATE UNIQUE INDEX IF NOT EXISTS credit_entries_once_per_consultation ON credit_entries (session_id, kind) WHERE session_id IS NOT NULL;
COMMENT ON TABLE credit_entries IS 'A ledger: the balance is the sum, rows are never changed';
COMMENT ON COLUMN credit_entries.id IS 'Random key';
COMMENT ON COLUMN credit_entries.customer_id IS 'Whose';
COMMENT ON COLUMN credit_entries.session_id IS 'The consultation it was for';
COMMENT ON COLUMN credit_entries.kind IS 'grant, spend, refund or correction';
COMMENT ON COLUMN credit_entries.credits IS 'Signed';
COMMENT ON COLUMN credit_entries.note IS 'Why, for the owner';
COMMENT ON COLUMN credit_entries.at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS intakes (
  session_id UUID NOT NULL,
  name TEXT NOT NULL,
  email TEXT NOT NULL,
  phone TEXT NOT NULL,
  city TEXT DEFAULT '' NOT NULL,
  vin TEXT DEFAULT '' NOT NULL,
  year INTEGER,
  make TEXT DEFAULT '' NOT NULL,
  model TEXT DEFAULT '' NOT NULL,
  odometer INTEGER,
  plate TEXT DEFAULT '' NOT NULL,
  concern TEXT NOT NULL,
  urgent BOOLEAN DEFAULT false NOT NULL,
  CONSTRAINT intakes_pkey PRIMARY KEY (session_id),
  CONSTRAINT intakes_vin_is_whole CHECK (vin = '' OR length(vin) = 17),
  CONSTRAINT intakes_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE intakes IS 'What the customer told about car and concern';
COMMENT ON COLUMN intakes.session_id IS 'The consultation';
COMMENT ON COLUMN intakes.name IS 'Of the customer';
COMMENT ON COLUMN intakes.email IS 'How to reach them';
COMMENT ON COLUMN intakes.phone IS 'How to reach them';
COMMENT ON COLUMN intakes.city IS 'Where the car is';
COMMENT ON COLUMN intakes.vin IS '17 characters, or empty';
COMMENT ON COLUMN intakes.year IS 'Of the vehicle';
COMMENT ON COLUMN intakes.make IS 'Of the vehicle';
COMMENT ON COLUMN intakes.model IS 'Of the vehicle';
COMMENT ON COLUMN intakes.odometer IS 'As shown, no unit';
COMMENT ON COLUMN intakes.plate IS 'License plate';
COMMENT ON COLUMN intakes.concern IS 'In the customer''s words';
COMMENT ON COLUMN intakes.urgent IS 'As the customer sees it';

CREATE TABLE IF NOT EXISTS messages (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  session_id UUID NOT NULL,
  user_id UUID,
  body TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  CONSTRAINT messages_pkey PRIMARY KEY (id),
  CONSTRAINT messages_body_has_a_length CHECK (length(body) BETWEEN 1 AND 2000),
  CONSTRAINT messages_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
  CONSTRAINT messages_user_id_fkey FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS messages_session_id_idx ON messages (session_id, at);
COMMENT ON TABLE messages IS 'The talk of a consultation';
COMMENT ON COLUMN messages.id IS 'Random key';
COMMENT ON COLUMN messages.session_id IS 'The consultation';
COMMENT ON COLUMN messages.user_id IS 'Who wrote it';
COMMENT ON COLUMN messages.body IS 'At most 2,000 characters';
COMMENT ON COLUMN messages.at IS 'When the row was written';

CREATE TABLE IF NOT EXISTS payments (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  session_id UUID NOT NULL,
  provider TEXT NOT NULL,
  reference TEXT NOT NULL,
  amount_cents INTEGER NOT NULL,
  currency TEXT NOT NULL,
  status TEXT DEFAULT 'started' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  paid_at TIMESTAMP WITH TIME ZONE,
  refunded_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT payments_pkey PRIMARY KEY (id),
  CONSTRAINT payments_status_known CHECK (status IN ('started', 'paid', 'refunded')),
  CONSTRAINT payments_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS payments_one_paid_per_consultation ON payments (session_id) WHERE status = 'paid';
CREATE UNIQUE INDEX IF NOT EXISTS payments_reference_key ON payments (provider, reference);
COMMENT ON TABLE payments IS 'What a payment provider told us';
COMMENT ON COLUMN payments.id IS 'Random key';
COMMENT ON COLUMN payments.session_id IS 'The consultation';
COMMENT ON COLUMN payments.provider IS 'demo or stripe';
COMMENT ON COLUMN payments.reference IS 'The provider''s own key';
COMMENT ON COLUMN payments.amount_cents IS 'What was asked';
COMMENT ON COLUMN payments.currency IS 'ISO 4217';
COMMENT ON COLUMN payments.status IS 'started, paid or refunded';
COMMENT ON COLUMN payments.created_at IS 'When the row was written';
COMMENT ON COLUMN payments.paid_at IS 'When the provider confirmed it';
COMMENT ON COLUMN payments.refunded_at IS 'When it was given back';

CREATE TABLE IF NOT EXISTS session_requests (
  id UUID DEFAULT gen_random_uuid() NOT NULL,
  customer_id UUID NOT NULL,
  session_id UUID,
  customer_name TEXT DEFAULT '' NOT NULL,
  session_type TEXT NOT NULL,
  plan_code TEXT NOT NULL,
  status TEXT DEFAULT 'pending' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  mechanic_id UUID,
  accepted_at TIMESTAMP WITH TIME ZONE,
  expires_at TIMESTAMP WITH TIME ZONE,
  fallback_broadcast_at TIMESTAMP WITH TIME ZONE,
  fallback_reason TEXT,
  declined_at TIMESTAMP WITH TIME ZONE,
  released_from UUID[] DEFAULT '{}' NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  workshop_id UUID,
  routing_type TEXT DEFAULT 'broadcast' NOT NULL,
  attempts INTEGER DEFAULT 0 NOT NULL,
  CONSTRAINT session_requests_pkey PRIMARY KEY (id),
  CONSTRAINT session_requests_status_known CHECK (status IN ('pending', 'accepted', 'completed', 'cancelled', 'expired')),
  CONSTRAINT session_requests_routing_type_known CHECK (routing_type IN ('broadcast', 'priority_broadcast', 'workshop_only', 'hybrid')),
  CONSTRAINT session_requests_fallback_reason_known CHECK (fallback_reason IN ('preferred_mechanic_no_response', 'preferred_mechanic_declined', 'customer_opened', 'preferred_mechanic_unavailable', 'error', 'released')),
  CONSTRAINT session_requests_accepted_has_a_mechanic CHECK (status <> 'accepted' OR (mechanic_id IS NOT NULL AND accepted_at IS NOT NULL)),
  CONSTRAINT session_requests_closed_has_a_time CHECK ((status IN ('completed', 'cancelled', 'expired')) = (closed_at IS NOT NULL)),
  CONSTRAINT session_requests_fallback_has_a_reason CHECK ((fallback_broadcast_at IS NULL) = (fallback_reason IS NULL)),
  CONSTRAINT session_requests_pending_has_no_mechanic CHECK (status <> 'pending' OR (mechanic_id IS NULL AND accepted_at IS NULL)),
  CONSTRAINT session_requests_customer_id_fkey FOREIGN KEY(customer_id) REFERENCES customers (id) ON DELETE CASCADE,
  CONSTRAINT session_requests_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE,
  CONSTRAINT session_requests_plan_code_fkey FOREIGN KEY(plan_code) REFERENCES plans (code),
  CONSTRAINT session_requests_mechanic_id_fkey FOREIGN KEY(mechanic_id) REFERENCES mechanics (id) ON DELETE SET NULL,
  CONSTRAINT session_requests_workshop_id_fkey FOREIGN KEY(workshop_id) REFERENCES workshops (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS session_requests_customer_id_idx ON session_requests (customer_id, created_at);
CREATE INDEX IF NOT EXISTS session_requests_mechanic_id_idx ON session_requests (mechanic_id) WHERE mechanic_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS session_requests_one_active_per_mechanic ON session_requests (mechanic_id) WHERE status = 'accepted';
CREATE UNIQUE INDEX IF NOT EXISTS session_requests_one_open_per_customer ON session_requests (customer_id) WHERE status IN ('pending', 'accepted');
CREATE UNIQUE INDEX IF NOT EXISTS session_requests_one_per_consultation ON session_requests (session_id);
CREATE INDEX IF NOT EXISTS session_requests_open_expiry_idx ON session_requests (expires_at) WHERE status = 'pending' AND expires_at IS NOT NULL;
COMMENT ON TABLE session_requests IS 'One customer''s wish for a mechanic';
COMMENT ON COLUMN session_requests.id IS 'Random key';
COMMENT ON COLUMN session_requests.customer_id IS 'Who asks';
COMMENT ON COLUMN session_requests.session_id IS 'The consultation it is for';
COMMENT ON COLUMN session_requests.customer_name IS 'As it was when asked';
COMMENT ON COLUMN session_requests.session_type IS 'chat, video or diagnostic';
COMMENT ON COLUMN session_requests.plan_code IS 'Which plan';
COMMENT ON COLUMN session_requests.status IS 'pending, accepted, completed, cancelled or expired';
COMMENT ON COLUMN session_requests.created_at IS 'When the row was written';
COMMENT ON COLUMN session_requests.mechanic_id IS 'Who accepted';
COMMENT ON COLUMN session_requests.accepted_at IS 'When they accepted';
COMMENT ON COLUMN session_requests.expires_at IS 'When it expires if nobody takes it; NULL inside a window';
COMMENT ON COLUMN session_requests.fallback_broadcast_at IS 'When everyone was asked after a window';
COMMENT ON COLUMN session_requests.fallback_reason IS 'Why everyone was asked';
COMMENT ON COLUMN session_requests.declined_at IS 'When the preferred mechanic declined';
COMMENT ON COLUMN session_requests.released_from IS 'Every mechanic it was taken back from';
COMMENT ON COLUMN session_requests.closed_at IS 'When it was completed, cancelled or expired';
COMMENT ON COLUMN session_requests.workshop_id IS 'The workshop it was asked through';
COMMENT ON COLUMN session_requests.routing_type IS 'broadcast, priority_broadcast, workshop_only or hybrid';
COMMENT ON COLUMN session_requests.attempts IS 'How often the sweep failed on this row';

CREATE TABLE IF NOT EXISTS waivers (
  session_id UUID NOT NULL,
  version TEXT NOT NULL,
  full_name TEXT NOT NULL,
  signed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  ip INET,
  user_agent TEXT DEFAULT '' NOT NULL,
  CONSTRAINT waivers_pkey PRIMARY KEY (session_id),
  CONSTRAINT waivers_session_id_fkey FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE waivers IS 'The consultation agreement, signed once for each intake';
COMMENT ON COLUMN waivers.session_id IS 'The consultation';
COMMENT ON COLUMN waivers.version IS 'Of the text that was shown';
COMMENT ON COLUMN waivers.full_name IS 'As typed';
COMMENT ON COLUMN waivers.signed_at IS 'When the row was written';
COMMENT ON COLUMN waivers.ip IS 'Through trusted proxies only';
COMMENT ON COLUMN waivers.user_agent IS 'Of the browser, at most 400 characters';

-- Words people choose by are rows, not code.
INSERT INTO plans (code, name, price_cents, minutes, session_type, credits, position) VALUES
  ('free', 'Free Session', 0, 5, 'chat', NULL, 1),
  ('chat10', 'Quick Chat', 999, 30, 'chat', 3, 2),
  ('video15', 'Standard Video', 2999, 45, 'video', 10, 3),
  ('diagnostic', 'Full Diagnostic', 4999, 60, 'diagnostic', 17, 4)
ON CONFLICT (code) DO NOTHING;

-- NULL: the environment variable of that name decides. A row that said false would shadow it for ever.
INSERT INTO feature_flags (flag_key, is_enabled, description)
VALUES ('ENABLE_FAVORITES_PRIORITY', NULL, 'A favorite who is booked again is asked first, alone, for the priority window.')
ON CONFLICT (flag_key) DO NOTHING;
