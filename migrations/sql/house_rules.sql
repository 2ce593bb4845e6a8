-- What the owner changes while it runs; each session request keeps the times it began with. Safe to repeat.

-- Step 1: the table
CREATE TABLE IF NOT EXISTS house_rules (
  house BOOLEAN DEFAULT true NOT NULL,
  priority_window_minutes INTEGER,
  free_window_minutes INTEGER,
  chat10_window_minutes INTEGER,
  video15_window_minutes INTEGER,
  diagnostic_window_minutes INTEGER,
  urgent_window_minutes INTEGER,
  request_lifetime_minutes INTEGER,
  rescue_after_minutes INTEGER,
  workshop_head_start_minutes INTEGER,
  start_grace_minutes INTEGER,
  priority_cooldown_minutes INTEGER,
  quiet_hours TEXT,
  time_zone TEXT,
  CONSTRAINT house_rules_pkey PRIMARY KEY (house),
  CONSTRAINT house_rules_is_one CHECK (house),
  CONSTRAINT house_rules_priority_window_minutes_makes_sense CHECK (priority_window_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_free_window_minutes_makes_sense CHECK (free_window_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_chat10_window_minutes_makes_sense CHECK (chat10_window_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_video15_window_minutes_makes_sense CHECK (video15_window_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_diagnostic_window_minutes_makes_sense CHECK (diagnostic_window_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_urgent_window_minutes_makes_sense CHECK (urgent_window_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_request_lifetime_minutes_makes_sense CHECK (request_lifetime_minutes BETWEEN 1 AND 1440),
  CONSTRAINT house_rules_rescue_after_minutes_makes_sense CHECK (rescue_after_minutes BETWEEN 1 AND 1440),
  CONSTRAINT house_rules_workshop_head_start_minutes_makes_sense CHECK (workshop_head_start_minutes BETWEEN 1 AND 120),
  CONSTRAINT house_rules_start_grace_minutes_makes_sense CHECK (start_grace_minutes BETWEEN 1 AND 1440),
  CONSTRAINT house_rules_priority_cooldown_minutes_makes_sense CHECK (priority_cooldown_minutes BETWEEN 0 AND 10080),
  CONSTRAINT house_rules_quiet_hours_makes_sense CHECK (quiet_hours ~ '^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$' AND split_part(quiet_hours, '-', 1) <> split_part(quiet_hours, '-', 2)),
  CONSTRAINT house_rules_time_zone_makes_sense CHECK (time_zone <> '')
);
COMMENT ON TABLE house_rules IS 'What the owner changed while it runs; NULL: nothing, the environment decides';
COMMENT ON COLUMN house_rules.house IS 'There is one';
COMMENT ON COLUMN house_rules.priority_window_minutes IS 'How long a favorite alone is asked before everyone is.';
COMMENT ON COLUMN house_rules.free_window_minutes IS 'The same for Free Session; nothing here: as for every plan.';
COMMENT ON COLUMN house_rules.chat10_window_minutes IS 'The same for Quick Chat; nothing here: as for every plan.';
COMMENT ON COLUMN house_rules.video15_window_minutes IS 'The same for Standard Video; nothing here: as for every plan.';
COMMENT ON COLUMN house_rules.diagnostic_window_minutes IS 'The same for Full Diagnostic; nothing here: as for every plan.';
COMMENT ON COLUMN house_rules.urgent_window_minutes IS 'The most that a favorite alone is asked about an urgent one: the shorter of this and the plan’s counts.';
COMMENT ON COLUMN house_rules.request_lifetime_minutes IS 'How long everyone is asked before a session request that nobody took expires.';
COMMENT ON COLUMN house_rules.rescue_after_minutes IS 'How long everyone is asked before you are alarmed that nobody took it.';
COMMENT ON COLUMN house_rules.workshop_head_start_minutes IS 'How long a hybrid workshop’s own mechanics alone are asked before everyone is.';
COMMENT ON COLUMN house_rules.start_grace_minutes IS 'How long after the acceptance the customer may ask everyone again, while it has not started.';
COMMENT ON COLUMN house_rules.priority_cooldown_minutes IS 'How long a favorite who declined, or twice did not answer, is not asked first again by that customer.';
COMMENT ON COLUMN house_rules.quiet_hours IS 'Between these times nobody is asked first, so no phone is rung: everyone is asked at once on open boards.';
COMMENT ON COLUMN house_rules.time_zone IS 'By the clock of which place the quiet hours go, such as Europe/Berlin.';

-- Step 2: no row is rewritten; what is open keeps the environment's values
ALTER TABLE session_requests ADD COLUMN IF NOT EXISTS request_lifetime_minutes integer;
ALTER TABLE session_requests ADD COLUMN IF NOT EXISTS start_grace_minutes integer;
COMMENT ON COLUMN session_requests.request_lifetime_minutes IS 'How long everyone is asked, minutes; frozen when it is made; NULL: written by hand, the environment''s';
COMMENT ON COLUMN session_requests.start_grace_minutes IS 'How long the mechanic has to start, minutes; frozen when it is made; NULL: as for the lifetime';

-- Step 3: no rows are read under the lock that this takes; the revision checks them afterwards
ALTER TABLE session_requests DROP CONSTRAINT IF EXISTS session_requests_times_make_sense;
ALTER TABLE session_requests ADD CONSTRAINT session_requests_times_make_sense
  CHECK (request_lifetime_minutes >= 1 AND start_grace_minutes >= 1) NOT VALID;
