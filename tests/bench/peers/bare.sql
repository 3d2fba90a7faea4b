-- The limit of single inserts: a table with a primary key and nothing else, the same columns as an event.
create table bare (id bigint generated always as identity primary key, source_module text not null, event_type text not null,
                   payload jsonb not null, branch_id text, entity_type text, entity_id text, received_at timestamptz not null default now())
