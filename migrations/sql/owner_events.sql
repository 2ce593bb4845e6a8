-- What the owner did and why. Safe to repeat.

-- Step 1: the table
CREATE TABLE IF NOT EXISTS owner_events (
  id BIGINT GENERATED ALWAYS AS IDENTITY NOT NULL,
  at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  subject_id UUID,
  payload JSONB DEFAULT '{}' NOT NULL,
  note TEXT DEFAULT '' NOT NULL,
  CONSTRAINT owner_events_pkey PRIMARY KEY (id),
  CONSTRAINT owner_events_kind_known CHECK (kind IN ('request_assigned', 'request_opened', 'request_released', 'request_completed', 'request_cancelled', 'mechanic_approved', 'mechanic_refused', 'mechanic_suspended', 'mechanic_restored', 'workshop_added', 'workshop_changed', 'workshop_joined', 'credits_granted', 'credits_corrected', 'flag_set', 'setting_changed', 'sending_retried', 'data_exported', 'person_erased'))
);
CREATE INDEX IF NOT EXISTS owner_events_subject_id_idx ON owner_events (subject_id) WHERE subject_id IS NOT NULL;
COMMENT ON TABLE owner_events IS 'What the owner did and why; append-only, without keys to people: history outlives them';
COMMENT ON COLUMN owner_events.id IS 'Counts';
COMMENT ON COLUMN owner_events.at IS 'When';
COMMENT ON COLUMN owner_events.kind IS 'What was done';
COMMENT ON COLUMN owner_events.actor IS 'admin:ID, customer:ID, or system: the command line';
COMMENT ON COLUMN owner_events.subject_id IS 'To which session request, mechanic, customer or workshop; NULL: to the house';
COMMENT ON COLUMN owner_events.payload IS 'Codes, ids, numbers and times; never words of or about a person';
COMMENT ON COLUMN owner_events.note IS 'The owner’s own words; emptied when the person they are about is erased';
