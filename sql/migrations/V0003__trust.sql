-- What rules need to remember, wait and be tried: states with a due time, followed entities, groups, watched tables, what was
-- shadowed or held. No index joins the hot tables that isn't partial on something rare (V0001 and V0002 say why).

---------------------------------------------------------------------------------------------------- time and memory

-- What waits for a moment has a due time, and an alarm: the ref_id of the job that rings then. A plan that moves gets a new alarm;
-- the old job finds nothing and ends. Only what waits has either, so throttles don't pay for the indexes.
alter table neurolink_rule_states add column due_at timestamptz, add column alarm bigint;
create sequence neurolink_rule_alarms;
create unique index neurolink_rule_states_alarm_uq on neurolink_rule_states (alarm) where alarm is not null;
create index neurolink_rule_states_due_ix on neurolink_rule_states (due_at) where due_at is not null;
alter table neurolink_rule_states set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
comment on table neurolink_rule_states is
    'What rules remember between events, by rule and key; rule 0 = shared by all. Keys: entity:<type>:<id> (what resolved what), dedupe:<key>, throttle:<person>:<key>, delay:<event>, remind:<type>:<id>, digest:<person>:<key>, escalate:<event>, rest:<event>:<step> (the rest of very many recipients)';
comment on column neurolink_rule_states.state is 'JSON; each key''s shape is told in src/rules/README.md. One that makes no sense is taken for empty';
comment on column neurolink_rule_states.due_at is 'When it is acted on; null = it only remembers';
comment on column neurolink_rule_states.alarm is 'The ref_id of its job in neurolink_jobs (reminder, digest, escalation, fanout)';
comment on column neurolink_rule_states.expires_at is 'From then on it may be forgotten (swept every few minutes)';
comment on column neurolink_jobs.kind is
    'event: evaluate ref_id of neurolink_events. delivery: send ref_id of neurolink_delivery_log. reminder, digest, escalation, fanout: what neurolink_rule_states has with alarm = ref_id is due';

create table neurolink_digest_items (
    event_id bigint not null,
    rule_id bigint not null,
    user_id text collate "C" not null,
    rule_version integer not null,
    digest_rule_id bigint not null,
    digest_key text not null,
    category text not null,
    severity text not null,
    channels text[] not null,
    locale text not null,
    title text not null,
    body text not null default '',
    action_url text,
    action_label text,
    occurred_at timestamptz not null,
    gathered_at timestamptz not null default now(),
    notification_id bigint,
    withdrawn text,
    constraint neurolink_digest_items_pk primary key (event_id, rule_id, user_id),
    constraint neurolink_digest_items_severity_ck check (severity in ('info', 'warning', 'error', 'critical'))
);
create index neurolink_digest_items_waiting_ix on neurolink_digest_items (digest_rule_id, digest_key, occurred_at, event_id)
    where notification_id is null and withdrawn is null;
revoke all on neurolink_digest_items from public;
comment on table neurolink_digest_items is 'What is gathered for digests, one row for what would have been a notification of its own. Kept afterwards: it says which digest told of an event.';
comment on column neurolink_digest_items.digest_key is 'With digest_rule_id the key in neurolink_rule_states that says when it is told';
comment on column neurolink_digest_items.notification_id is 'The notification that told of it; null = it waits, or was withdrawn';
comment on column neurolink_digest_items.withdrawn is 'Why it will not be told: resolved, inactive …';

create table neurolink_shadow_matches (
    rule_id bigint not null,
    event_id bigint not null,
    rule_version integer not null,
    recipients integer not null,
    users text[] not null,
    matched_at timestamptz not null default now(),
    constraint neurolink_shadow_matches_pk primary key (rule_id, event_id)
);
revoke all on neurolink_shadow_matches from public;
comment on table neurolink_shadow_matches is 'What shadow rules ("shadow": true) would have told, had they been live.';
comment on column neurolink_shadow_matches.users is 'The first of the recipients, at most 500';
comment on column neurolink_event_outcomes.suppressed is
    'Who was not told (then) and why: [{"rule", "reason", "count", "users": the first 500, "until", "by": the event that resolved it or said the same}]';

----------------------------------------------------------------------------------------- inbox: acknowledged, expired

alter table neurolink_notifications
    add column acknowledged_at timestamptz,
    add column expires_at timestamptz;
comment on column neurolink_notifications.acknowledged_at is
    'When its reader said that they take care of it. It stays so';
comment on column neurolink_notifications.expires_at is
    'From then on it is of no use: it leaves the inbox for the archive within seconds, and what of it waits to be sent is cancelled. Who takes it back out of the archive keeps it (null again)';
comment on column neurolink_notifications.resolved_at is
    'When what it spoke of was settled by a later event. It stays in the inbox with that mark, read and seen at that moment if it wasn''t before; what of it waits to be sent is cancelled';

-- What is to leave, by when. Only what expires and hasn't is in it.
create index neurolink_notifications_expires_ix on neurolink_notifications (expires_at)
    where expires_at is not null and archived_at is null and deleted_at is null;

------------------------------------------------------------------------------------------------------- quiet hours

alter table neurolink_delivery_log add column deferred_by text;
comment on column neurolink_delivery_log.deferred_by is
    'Why its first attempt was put off: quiet_hours. Until when is what its job says (neurolink_jobs.run_at)';

comment on column neurolink_user_preferences.quiet_hours is
    '{"from": "22:00", "to": "07:00", "days": ["sun", …]} in the person''s time zone: what interrupts waits until they end, unless it is critical or mandatory. days = on which they begin, every day where it isn''t said';
comment on column neurolink_user_preferences.digest is
    '{"<category or *>": {"every": "1d", "at": "08:00"} or "off"}: how often notifications of a category are gathered into one; "off" = never, even where a rule gathers';

------------------------------------------------------------------------------------------------------------- holds

create table neurolink_rule_holds (
    rule_id bigint not null,
    version integer not null,
    held_at timestamptz not null default now(),
    reason text not null,
    limit_per_minute integer not null,
    held_count bigint not null default 0,
    last_held_at timestamptz,
    told text[] not null default '{}',
    constraint neurolink_rule_holds_pk primary key (rule_id)
);
alter table neurolink_rule_holds set (fillfactor = 50);
revoke all on neurolink_rule_holds from public;
comment on table neurolink_rule_holds is
    'Versions of rules that told more people a minute than they may, and are held: evaluated, recorded, not sent. neurolink_release_rule lets one go on; a new version of the rule does, too.';
comment on column neurolink_rule_holds.held_count is 'Notifications held back since';
comment on column neurolink_rule_holds.told is 'Who was told that it is held, and will be told when it is released';
