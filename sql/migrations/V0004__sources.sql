-- Recipients by group and as followers, ERP tables as sources, and what is known of payloads and gathered for digests.

--------------------------------------------------------------------------------------------------------- recipients

alter table neurolink_users add column groups text[] not null default '{}';
create index neurolink_users_groups_ix on neurolink_users using gin (groups);
comment on column neurolink_users.groups is 'Groups they are in, for rules'' recipient_groups: year_end_team … (not tied to branches, unlike roles)';

-- The directory shows them too, where it is still the view that we made. A DBA's own stays as it is: without the column, nobody
-- is in a group.
do $$
begin
    if exists (select from pg_class c
                where c.oid = to_regclass(format('%I.neurolink_directory', current_schema())) and pg_has_role(c.relowner, 'usage')
                  and regexp_replace(pg_get_viewdef(c.oid), '\s+|neurolink_users\.', '', 'g')
                      = 'SELECTid,display_name,email,phone,telegram_chat_id,slack_user_id,roles,branch_ids,manager_id,locale,timezone,'
                        'is_activeFROMneurolink_users;')
    then
        create or replace view neurolink_directory as
        select id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale,
               timezone, is_active, groups
          from neurolink_users;
    end if;
end $$;

create table neurolink_followers (
    entity_type text collate "C" not null,
    entity_id text collate "C" not null,
    user_id text collate "C" not null,
    since timestamptz not null default now(),
    constraint neurolink_followers_pk primary key (entity_type, entity_id, user_id),
    constraint neurolink_followers_entity_type_ck check (length(entity_type) between 1 and 64),
    constraint neurolink_followers_entity_id_ck check (length(entity_id) between 1 and 128),
    constraint neurolink_followers_user_id_ck check (length(user_id) between 1 and 128)
);
create index neurolink_followers_user_ix on neurolink_followers (user_id, entity_type, entity_id);
revoke all on neurolink_followers from public;
comment on table neurolink_followers is 'Who follows which entity, for rules'' recipient_followers. Written by neurolink_follow() and neurolink_unfollow().';

------------------------------------------------------------------------------------------------------- ERP tables as sources

create table neurolink_watches (
    id bigint generated always as identity,
    name text not null,
    relation regclass not null,
    source_module text not null,
    event_type text not null,
    severity text not null,
    entity_type text,
    entity_id text,
    branch_id text,
    actor_id text,
    columns text[],
    payload_columns text[],
    without_columns text[] not null default '{}',
    operations text[] not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    failed_count bigint not null default 0,
    last_error text,
    last_failed_at timestamptz,
    constraint neurolink_watches_pk primary key (id),
    constraint neurolink_watches_name_uq unique (name),
    constraint neurolink_watches_name_ck check (length(name) between 1 and 128)
);
revoke all on neurolink_watches from public;
comment on table neurolink_watches is
    'ERP tables whose changes are events, by triggers that neurolink_watch() makes. neurolink_watch_health says whether each works.';
comment on column neurolink_watches.entity_id is 'The column with the entity''s id; null = the table''s key, its columns joined by a colon';
comment on column neurolink_watches.columns is 'An update is an event when one of these has changed; null = any of the payload''s';
comment on column neurolink_watches.payload_columns is 'What an event tells of its row; null = every column but bytea and those of without_columns';
comment on column neurolink_watches.failed_count is 'Statements of the ERP whose events were lost, at least: counted once a minute at most, so that nobody waits for the row';
comment on column neurolink_watches.last_error is 'Why, the last time';

-------------------------------------------------------------------------------------------------------- payload fields, learnt

-- Names and kinds of fields, never their values. At most 200 a type.
create table neurolink_event_fields (
    event_type text not null,
    path text not null,
    kinds text[] not null,
    first_seen_at timestamptz not null,
    last_seen_at timestamptz not null,
    constraint neurolink_event_fields_pk primary key (event_type, path),
    constraint neurolink_event_fields_kinds_ck check (kinds <@ array['string', 'number', 'boolean', 'array', 'object', 'null'])
);
revoke all on neurolink_event_fields from public;
comment on table neurolink_event_fields is
    'Payload fields seen in real events, as a hint for who writes rules. Names and kinds alone: no value of any event is in here.';
comment on column neurolink_event_fields.path is 'As recipient_fields writes it: lines.sku is the field sku of each item of the list lines';
comment on column neurolink_event_fields.kinds is 'string, number, boolean, array, object, null: those that were seen';
comment on column neurolink_event_fields.last_seen_at is 'Give or take an hour';

----------------------------------------------------------------------------------------------------- digests

-- What is gathered for a digest may be of no use by then, and one thing alone is told with its rule's own mail.
alter table neurolink_digest_items add column expires_at timestamptz, add column mail text;
comment on column neurolink_digest_items.expires_at is 'From then on it is of no use, and is withdrawn instead of told';
comment on column neurolink_digest_items.mail is 'JSON: the rule''s own email_subject, email_html and sms_body, for one thing that is told alone; null = it has none';
