-- What reading, steering and explaining ask of the tables beyond the line itself.
--
-- No index joins the hot tables that isn't partial on something rare: each full one costs the drain 5 to 15 % (V0001 says how
-- it was measured). Lists that no index serves read a bounded stretch per page instead.

------------------------------------------------------------------------------------------------------- events, read

-- What has been seen, so that nobody scans events for it. Written beside the drain, at most once a minute per type and node.
create table neurolink_event_types (
    source_module text not null,
    event_type text not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    constraint neurolink_event_types_pk primary key (event_type, source_module)
);
alter table neurolink_event_types set (fillfactor = 50);
revoke all on neurolink_event_types from public;
comment on table neurolink_event_types is 'Event types that have been evaluated here, by module. A hint for people: learnt beside the work, never relied on by it.';
comment on column neurolink_event_types.last_seen_at is 'When the latest one was received, give or take two minutes';

alter table neurolink_event_outcomes add column replayed_at timestamptz;
comment on column neurolink_event_outcomes.replayed_at is
    'When the event was last evaluated again by an admin''s replay. rules_matched, suppressed and warnings are then that replay''s; notifications are all that were ever made of it';
comment on column neurolink_event_outcomes.warnings is
    'What went wrong without stopping the event: [{"rule", "kind", "detail"}]';

-- Rare values only: a healthy evaluation enters none of these.
create index neurolink_event_outcomes_failed_ix on neurolink_event_outcomes (event_id) where error is not null;
create index neurolink_event_outcomes_warned_ix on neurolink_event_outcomes (event_id) where warnings is not null;
create index neurolink_events_correlation_ix on neurolink_events (correlation_id, id) where correlation_id is not null;

comment on column neurolink_jobs.channel is
    'The delivery''s channel. For events: empty; single for one that is evaluated alone because its batch failed or its worker died; replay for one that is evaluated again';

