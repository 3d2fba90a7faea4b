-- What rules that people can trust ask of the tables: time, wishes, holds.
-- As in V0002, no index joins the hot tables that isn't partial on something rare.


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
