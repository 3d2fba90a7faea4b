-- What lets people trust rules and sources: each part's tables and columns in a section of its own.
-- Indexes keep to V0002's law: on the hot tables none but on what is rare.

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
