-- What reading, steering and explaining ask of the tables beyond the line itself.
--
-- No index joins the hot tables that isn't partial on something rare: each full one costs the drain 5 to 15 % (V0001 says how
-- it was measured). Lists that no index serves read a bounded stretch per page instead.


------------------------------------------------------------------------------------------------------------ numbers

-- What came in a stretch of time, for the roll-ups and whoever asks by time. BRIN: 0.3 µs a row (measured on 200 000 outcomes),
-- a hundredth of what a B-tree would cost the drain.
create index neurolink_event_outcomes_evaluated_ix on neurolink_event_outcomes
    using brin (evaluated_at) with (pages_per_range = 32, autosummarize = on);
create index neurolink_delivery_log_created_ix on neurolink_delivery_log
    using brin (created_at) with (pages_per_range = 32, autosummarize = on);
create index neurolink_delivery_attempts_finished_ix on neurolink_delivery_attempts
    using brin (finished_at) with (pages_per_range = 32, autosummarize = on);
-- Given up, newest first. Rare.
create index neurolink_delivery_log_given_up_ix on neurolink_delivery_log (ended_at) where status in ('dead', 'cancelled');

-- One metric over time; the primary key serves all metrics of a minute.
create index neurolink_metrics_series_ix on neurolink_metrics (metric, label, minute) include (value);
comment on column neurolink_metrics.metric is 'events, events.type, deliveries, notified_seconds …: src/ops/README.md has them all';
comment on column neurolink_metrics.label is 'Which: a module, a type, channel/status, p95 …; empty where there is but one';

create table neurolink_metrics_hours (
    hour timestamptz not null,
    metric text not null,
    label text not null default '',
    value double precision not null,
    constraint neurolink_metrics_hours_pk primary key (hour, metric, label)
);
create index neurolink_metrics_hours_series_ix on neurolink_metrics_hours (metric, label, hour) include (value);
revoke all on neurolink_metrics_hours from public;
comment on table neurolink_metrics_hours is
    'Hourly roll-ups, made of neurolink_metrics when an hour''s last minute is rolled: sums, and of queue.* and *_seconds the worst minute.';

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

---------------------------------------------------------------------------------------------------------- steering

-- A delivery's job is found by its delivery (retry, cancel, what is pending). Only delivery jobs are in it, so the drain
-- doesn't pay for it; their updates were never HOT anyhow, since the claim's index holds run_at.
create index neurolink_jobs_delivery_ix on neurolink_jobs (ref_id) where kind = 'delivery';
-- What is dead is rare, and looked for first.
create index neurolink_delivery_log_dead_ix on neurolink_delivery_log (id) where status = 'dead';

alter table neurolink_workers add column channels text[];
comment on column neurolink_workers.channels is 'The channels it has settings for; null = it takes no jobs, or is of a version that didn''t say';

------------------------------------------------------------------------------------------------------ lists at size

-- Whether anybody was told of an event again, later (escalations, reminders): those stand elsewhere than the rest. Rare.
create index neurolink_notifications_steps_ix on neurolink_notifications (event_id) where step > 0;

---------------------------------------------------------------------------------------------------- stream, tickets

-- For clients that can't set a header. Small: what lives is half a minute's, and each new one clears away old ones.
create table neurolink_stream_tickets (
    hash bytea not null,
    principal jsonb not null,
    expires_at timestamptz not null,
    constraint neurolink_stream_tickets_pk primary key (hash)
);
create index neurolink_stream_tickets_expires_ix on neurolink_stream_tickets (expires_at);
revoke all on neurolink_stream_tickets from public;
comment on table neurolink_stream_tickets is
    'One-time tickets for GET /v1/notifications/stream, not used yet. Read by the service alone; empty it, and clients ask for new ones.';
comment on column neurolink_stream_tickets.hash is 'SHA-256 of the ticket; the ticket itself is nowhere';
comment on column neurolink_stream_tickets.principal is 'Who it admits: subject, roles, branches and expiry of the token it was asked for with';
comment on column neurolink_stream_tickets.expires_at is '30 s after it was made, or when that token expires, if that is sooner';

-------------------------------------------------------------------------------------------------------- snoozing

-- What is to come back, by when. Only snoozed notifications are in it: the drain enters nothing.
create index neurolink_notifications_snoozed_ix on neurolink_notifications (snoozed_until) where snoozed_until is not null;
comment on column neurolink_notifications.snoozed_until is
    'Put aside until then: neither listed nor counted; it comes back unread and unseen, within seconds of that moment';
