-- Why: the tables of the whole line, from an event's arrival to its last delivery attempt, as one schema an ERP's DBA
-- can read. Chat's tables come with chat. Frozen once landed: what can be re-applied (functions, triggers, views but the
-- directory, grants) lives in its own folder instead.
--
-- Shapes that were measured, not guessed:
--   * no foreign keys between hot tables (they halve the drain); the pipeline's transaction keeps the references true;
--   * three indexes on notifications and one on deliveries, since each further one costs the drain 5 to 15 %;
--   * user ids compare in "C" order everywhere, which is also the order inbox rows are locked in.

------------------------------------------------------------------------------------------------------------ events

create table neurolink_events (
    id bigint generated always as identity,
    source_module text not null,
    event_type text not null,
    severity text not null default 'info',
    occurred_at timestamptz not null default now(),
    received_at timestamptz not null default now(),
    payload jsonb not null default '{}',
    producer_idempotency_key text,
    correlation_id text,
    branch_id text,
    actor_id text,
    entity_type text,
    entity_id text,
    traceparent text,
    constraint neurolink_events_pk primary key (id),
    constraint neurolink_events_source_module_ck
        check (source_module ~ '^[a-z0-9_]+([.-][a-z0-9_]+)*$' and length(source_module) <= 64),
    constraint neurolink_events_event_type_ck
        check (event_type ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' and length(event_type) <= 128),
    constraint neurolink_events_severity_ck check (severity in ('info', 'warning', 'error', 'critical')),
    constraint neurolink_events_occurred_at_ck
        check (occurred_at >= '1970-01-01T00:00:00Z' and occurred_at < '2200-01-01T00:00:00Z'),
    constraint neurolink_events_received_at_ck
        check (received_at >= '1970-01-01T00:00:00Z' and received_at < '2200-01-01T00:00:00Z'),
    constraint neurolink_events_payload_ck check (jsonb_typeof(payload) = 'object'),
    constraint neurolink_events_key_ck
        check (length(producer_idempotency_key) between 1 and 255),
    constraint neurolink_events_correlation_id_ck check (length(correlation_id) <= 255),
    constraint neurolink_events_branch_id_ck check (length(branch_id) between 1 and 128),
    constraint neurolink_events_actor_id_ck check (length(actor_id) between 1 and 128),
    constraint neurolink_events_entity_type_ck check (length(entity_type) between 1 and 64),
    constraint neurolink_events_entity_id_ck check (length(entity_id) between 1 and 128),
    constraint neurolink_events_traceparent_ck check (length(traceparent) <= 55)
);
create unique index neurolink_events_key_uq
    on neurolink_events (source_module, producer_idempotency_key)
    where producer_idempotency_key is not null;

comment on table neurolink_events is
    'Business events of the ERP, immutable. Insert with source_module, event_type and payload; the rest has defaults. neurolink_emit() is the idempotent form.';
comment on column neurolink_events.source_module is 'The ERP module that speaks: invoicing, inventory, sales, purchasing …';
comment on column neurolink_events.event_type is 'Dotted lower-case name: invoice.overdue';
comment on column neurolink_events.occurred_at is 'When it happened in the business; facts about one entity are ordered by (occurred_at, id)';
comment on column neurolink_events.received_at is 'When it was stored (the start of its transaction)';
comment on column neurolink_events.payload is 'A JSON object. Its keys are the variables of the templates';
comment on column neurolink_events.producer_idempotency_key is 'Unique with source_module: the same key means the same event';
comment on column neurolink_events.branch_id is 'The branch it happened in; null = concerns all';
comment on column neurolink_events.actor_id is 'Who did it; a rule can leave them out';
comment on column neurolink_events.entity_type is 'What it is about: invoice, order …, with entity_id';
comment on column neurolink_events.traceparent is 'W3C trace context of the producer';

create table neurolink_event_outcomes (
    event_id bigint not null,
    evaluated_at timestamptz not null default now(),
    rules_matched integer not null default 0,
    notifications integer not null default 0,
    suppressed jsonb,
    warnings jsonb,
    error text,
    constraint neurolink_event_outcomes_pk primary key (event_id)
);
comment on table neurolink_event_outcomes is
    'One row per evaluated event: what came of it. Its primary key is also what makes an evaluation happen once.';
comment on column neurolink_event_outcomes.suppressed is 'Who was not told and why: [{"rule", "reason", "count"}]';
comment on column neurolink_event_outcomes.warnings is 'What went wrong without stopping the event: [{"rule", "kind", "detail"}]';
comment on column neurolink_event_outcomes.error is 'Set when the event could not be evaluated at all and was given up (its job is in neurolink_dead_jobs)';

-------------------------------------------------------------------------------------------------------------- queue

create table neurolink_jobs (
    id bigint generated always as identity,
    kind text not null,
    channel text not null default '',
    ref_id bigint not null,
    lane smallint not null default 1,
    run_at timestamptz not null default now(),
    attempt integer not null default 0,
    max_attempts integer not null default 5,
    claimed_by uuid,
    last_error text,
    created_at timestamptz not null default now(),
    constraint neurolink_jobs_pk primary key (id),
    constraint neurolink_jobs_kind_ck check (kind in ('event', 'delivery', 'digest', 'escalation', 'reminder', 'fanout')),
    constraint neurolink_jobs_lane_ck check (lane between 0 and 2),
    constraint neurolink_jobs_run_at_ck check (run_at >= '1970-01-01T00:00:00Z' and run_at < '2200-01-01T00:00:00Z')
);
-- The claim's order. Channel is part of it so that one slow or paused channel never stands before another.
create index neurolink_jobs_claim_ix on neurolink_jobs (kind, channel, lane, run_at, id);
-- Small, hot and mostly deleted: vacuum by count, not by share, and without giving pages back (which takes a lock).
alter table neurolink_jobs set (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, vacuum_truncate = off);

comment on table neurolink_jobs is 'Work to do. Done means deleted; a job that is being worked on under a lease has claimed_by set and run_at at the lease''s end.';
comment on column neurolink_jobs.kind is 'event: evaluate ref_id of neurolink_events. delivery: send ref_id of neurolink_delivery_log';
comment on column neurolink_jobs.channel is 'The delivery''s channel. For events: empty, or single for one that is evaluated alone because its batch failed or its worker died';
comment on column neurolink_jobs.lane is '0 critical, 1 normal, 2 bulk';
comment on column neurolink_jobs.run_at is 'Not before; while claimed under a lease: the lease''s end';
comment on column neurolink_jobs.attempt is 'Attempts begun. With id and claimed_by it is the fence: only the claim that made it may finish the job';

create table neurolink_dead_jobs (
    id bigint not null,
    kind text not null,
    ref_id bigint not null,
    lane smallint not null,
    attempt integer not null,
    max_attempts integer not null,
    last_error text,
    created_at timestamptz not null,
    died_at timestamptz not null default now(),
    constraint neurolink_dead_jobs_pk primary key (id)
);
comment on table neurolink_dead_jobs is 'Jobs other than deliveries that used up their attempts, with their last error (a dead delivery is a row of neurolink_delivery_log).';

create table neurolink_workers (
    incarnation uuid not null,
    host text not null,
    pid integer not null,
    version text not null,
    works boolean not null,
    lock_key bigint,
    started_at timestamptz not null default now(),
    heartbeat_at timestamptz not null default now(),
    constraint neurolink_workers_pk primary key (incarnation)
);
alter table neurolink_workers set (fillfactor = 50);
comment on table neurolink_workers is 'One row per running process (incarnation), gone after an orderly stop. A row with an old heartbeat whose advisory lock is free is a crash, and is rescued.';
comment on column neurolink_workers.works is 'Whether it takes jobs (neurolink serve --no-worker does not)';
comment on column neurolink_workers.lock_key is 'The advisory lock that the process''s listener connection holds while it lives; null in poll mode, where the heartbeat alone decides';

create table neurolink_pauses (
    kind text not null,
    channel text not null default '',
    reason text,
    paused_by text not null default session_user,
    paused_at timestamptz not null default now(),
    constraint neurolink_pauses_pk primary key (kind, channel)
);
comment on table neurolink_pauses is 'What is paused: a kind of job, or one channel of deliveries. Insert to pause, delete to resume (neurolink_pause, neurolink_resume).';

create table neurolink_meta (
    key text not null,
    value text not null,
    constraint neurolink_meta_pk primary key (key)
);
alter table neurolink_meta set (fillfactor = 50);
comment on table neurolink_meta is 'Facts about this schema: objects_checksum and objects_version (what was re-applied last), min_binary, rules_rev (moved by every change of a rule).';
insert into neurolink_meta (key, value) values ('rules_rev', '1'), ('min_binary', '0.1.0');

-------------------------------------------------------------------------------------------------------------- rules

create table neurolink_notification_rules (
    id bigint generated always as identity,
    name text not null,
    source_module text,
    event_type_pattern text not null,
    conditions jsonb,
    notification_template jsonb not null,
    priority integer not null default 0,
    enabled boolean not null default true,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint neurolink_notification_rules_pk primary key (id),
    constraint neurolink_notification_rules_name_uq unique (name),
    constraint neurolink_notification_rules_name_ck check (length(name) between 1 and 128),
    constraint neurolink_notification_rules_pattern_ck
        check (event_type_pattern ~ '^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$' and length(event_type_pattern) <= 130),
    constraint neurolink_notification_rules_template_ck check (jsonb_typeof(notification_template) = 'object')
);
comment on table neurolink_notification_rules is 'Rules: which events become which notifications, for whom, on which channels. A change is live on every node with the next event.';
comment on column neurolink_notification_rules.source_module is 'Null = any module';
comment on column neurolink_notification_rules.event_type_pattern is 'invoice.overdue (exact), invoice.* (prefix) or *';
comment on column neurolink_notification_rules.conditions is 'JSONLogic over {event, payload, now}; null = always';
comment on column neurolink_notification_rules.notification_template is 'Texts (Handlebars), channels, recipients: see src/rules/README.md';
comment on column neurolink_notification_rules.priority is 'Order of evaluation, higher first; also the deliveries'' lane: 200 and up critical, below 0 bulk';
comment on column neurolink_notification_rules.version is 'Moved by a trigger with every change of content';

create table neurolink_rule_versions (
    rule_id bigint not null,
    version integer not null,
    name text not null,
    source_module text,
    event_type_pattern text not null,
    conditions jsonb,
    notification_template jsonb not null,
    priority integer not null,
    enabled boolean not null,
    changed_by text not null default session_user,
    changed_at timestamptz not null default now(),
    constraint neurolink_rule_versions_pk primary key (rule_id, version)
);
comment on table neurolink_rule_versions is 'Every version of every rule, written by trigger, whoever changed it.';

create table neurolink_rule_faults (
    rule_id bigint not null,
    version integer not null,
    kind text not null,
    place text not null,
    detail text not null,
    found_at timestamptz not null default now(),
    constraint neurolink_rule_faults_pk primary key (rule_id, version),
    constraint neurolink_rule_faults_kind_ck check (kind in ('compile', 'watchdog'))
);
comment on table neurolink_rule_faults is 'What is wrong with a version of a rule; such a version is not evaluated. Written by nodes. A corrected rule is a new version and starts clean.';
comment on column neurolink_rule_faults.place is 'JSON pointer to the fault, with line and column inside a template';

create table neurolink_rule_states (
    rule_id bigint not null,
    key text not null,
    state jsonb not null default '{}',
    updated_at timestamptz not null default now(),
    expires_at timestamptz,
    constraint neurolink_rule_states_pk primary key (rule_id, key)
);
comment on table neurolink_rule_states is 'What rules remember between events: throttle, dedupe, digest, escalation, resolution.';

------------------------------------------------------------------------------------------------------------- people

create table neurolink_users (
    id text collate "C" not null,
    display_name text not null default '',
    email text,
    phone text,
    telegram_chat_id text,
    slack_user_id text,
    roles text[] not null default '{}',
    branch_ids text[] not null default '{}',
    manager_id text collate "C",
    locale text not null default 'en',
    timezone text not null default 'Asia/Baghdad',
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint neurolink_users_pk primary key (id),
    constraint neurolink_users_id_ck check (length(id) between 1 and 128),
    constraint neurolink_users_locale_ck check (locale ~ '^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8})*$')
);
create index neurolink_users_roles_ix on neurolink_users using gin (roles);
comment on table neurolink_users is 'People who can be told things, where the ERP has no table of its own to show through neurolink_directory.';
comment on column neurolink_users.branch_ids is 'Branches they belong to; {*} = all';
comment on column neurolink_users.locale is 'BCP 47: ar-IQ, en …';
comment on column neurolink_users.timezone is 'IANA: Asia/Baghdad';

create table neurolink_user_preferences (
    user_id text collate "C" not null,
    channels jsonb not null default '{}',
    quiet_hours jsonb,
    digest jsonb,
    locale text,
    updated_at timestamptz not null default now(),
    constraint neurolink_user_preferences_pk primary key (user_id),
    constraint neurolink_user_preferences_channels_ck check (jsonb_typeof(channels) = 'object')
);
comment on table neurolink_user_preferences is 'A recipient''s wishes: which category on which channel, quiet hours, digest, language.';
comment on column neurolink_user_preferences.channels is '{"<category or *>": {"email": false}}; what is not said is on';

-------------------------------------------------------------------------------------------------------------- inbox

create table neurolink_inboxes (
    user_id text collate "C" not null,
    rev bigint not null default 0,
    floor_rev bigint not null default 0,
    unread_count integer not null default 0,
    unseen_count integer not null default 0,
    constraint neurolink_inboxes_pk primary key (user_id),
    constraint neurolink_inboxes_counts_ck check (unread_count >= 0 and unseen_count >= 0)
);
-- Updated with every notification and never in an indexed column: room on the page keeps it HOT.
alter table neurolink_inboxes set (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
comment on table neurolink_inboxes is 'One row per recipient: the revision of their inbox and its counts. Whatever changes an inbox takes its revisions here, in its own transaction; the row lock makes their order the order of commits.';
comment on column neurolink_inboxes.rev is 'The last revision given out';
comment on column neurolink_inboxes.floor_rev is 'Changes at or below it may be incomplete (deleted ones were swept away): a reader from below must reload';

create table neurolink_notifications (
    id bigint generated always as identity,
    user_id text collate "C" not null,
    in_app boolean not null default true,
    rev bigint,
    event_id bigint,
    rule_id bigint,
    rule_version integer,
    step smallint not null default 0,
    source_module text,
    event_type text,
    entity_type text,
    entity_id text,
    branch_id text,
    category text not null default 'general',
    severity text not null default 'info',
    locale text not null default 'en',
    title text not null,
    body text not null default '',
    action_url text,
    action_label text,
    created_at timestamptz not null default now(),
    seen_at timestamptz,
    read_at timestamptz,
    archived_at timestamptz,
    snoozed_until timestamptz,
    resolved_at timestamptz,
    deleted_at timestamptz,
    constraint neurolink_notifications_pk primary key (user_id, id),
    constraint neurolink_notifications_rev_uq unique (user_id, rev),
    constraint neurolink_notifications_rev_ck check ((rev is not null) = in_app),
    constraint neurolink_notifications_once_uq unique (event_id, rule_id, user_id, step),
    constraint neurolink_notifications_severity_ck check (severity in ('info', 'warning', 'error', 'critical'))
);
comment on table neurolink_notifications is 'One thing told to one recipient. Look one up by (user_id, id), or by event_id.';
comment on column neurolink_notifications.in_app is 'Whether it is in the inbox; false = told on other channels only, and never listed, counted or streamed';
comment on column neurolink_notifications.rev is 'The inbox revision of its last change; null = not in the inbox';
comment on column neurolink_notifications.event_id is 'Null for what an admin told somebody directly';
comment on column neurolink_notifications.step is '0 = the first telling; escalations count up';
comment on column neurolink_notifications.locale is 'The language it was written in';
comment on column neurolink_notifications.deleted_at is 'A tombstone: kept, emptied, until every reader has had time to learn of it';

--------------------------------------------------------------------------------------------------------- deliveries

create table neurolink_delivery_log (
    id bigint not null,
    notification_id bigint not null,
    user_id text collate "C" not null,
    channel text not null,
    status text not null default 'pending',
    address text,
    display_name text,
    attempts integer not null default 0,
    provider text,
    provider_message_id text,
    last_error text,
    content jsonb,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    delivered_at timestamptz,
    ended_at timestamptz,
    constraint neurolink_delivery_log_pk primary key (id),
    constraint neurolink_delivery_log_id_ck check (id / 32 = notification_id),
    constraint neurolink_delivery_log_channel_ck
        check (channel in ('in_app', 'email', 'sms', 'whatsapp', 'telegram', 'slack', 'web_push', 'webhook')),
    constraint neurolink_delivery_log_status_ck
        check (status in ('pending', 'sent', 'delivered', 'dead', 'suppressed', 'cancelled'))
);
comment on table neurolink_delivery_log is 'One row per notification and channel. Being sent right now is what its job says (neurolink_jobs, kind delivery).';
comment on column neurolink_delivery_log.id is 'notification_id × 32 + the channel''s number, so that one index finds both a delivery and all of a notification''s';
comment on column neurolink_delivery_log.content is 'Texts made for this channel alone (e-mail subject and HTML, SMS body); null = the notification''s own';
comment on column neurolink_delivery_log.last_error is 'Of the last attempt; for suppressed: the reason';

create table neurolink_delivery_attempts (
    delivery_id bigint not null,
    attempt integer not null,
    worker uuid not null,
    started_at timestamptz not null,
    finished_at timestamptz not null default now(),
    outcome text not null,
    error text,
    provider_message_id text,
    constraint neurolink_delivery_attempts_pk primary key (delivery_id, attempt),
    constraint neurolink_delivery_attempts_outcome_ck
        check (outcome in ('accepted', 'transient', 'rate_limited', 'permanent', 'misconfigured', 'ambiguous', 'lost'))
);
comment on table neurolink_delivery_attempts is 'One row per try of a delivery outside Postgres, appended.';
comment on column neurolink_delivery_attempts.outcome is 'accepted; transient, rate_limited, permanent, misconfigured; ambiguous: the provider may have accepted; lost: its worker died';

---------------------------------------------------------------------------------------------------- numbers, audit

create table neurolink_metrics (
    minute timestamptz not null,
    metric text not null,
    label text not null default '',
    value double precision not null,
    constraint neurolink_metrics_pk primary key (minute, metric, label)
);
comment on table neurolink_metrics is 'Minute roll-ups for dashboards and SQL.';

create table neurolink_audit_log (
    id bigint generated always as identity,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject_kind text not null,
    subject_id text not null,
    before jsonb,
    after jsonb,
    constraint neurolink_audit_log_pk primary key (id)
);
create index neurolink_audit_log_subject_ix on neurolink_audit_log (subject_kind, subject_id, id);
comment on table neurolink_audit_log is 'Who changed what.';
comment on column neurolink_audit_log.actor is 'The token''s subject over HTTP, else session_user';

-- A table of ours is never readable just because somebody granted PUBLIC something by default.
do $$
declare t regclass;
begin
    for t in select c.oid from pg_class c
              where c.relnamespace = quote_ident(current_schema())::regnamespace and c.relname like 'neurolink\_%' and c.relkind = 'r'
    loop
        execute format('revoke all on %s from public', t);
    end loop;
end $$;
