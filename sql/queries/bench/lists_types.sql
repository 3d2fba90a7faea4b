-- Event types that were seen, more than anybody has.
-- $1 how many bigint
insert into neurolink_event_types (source_module, event_type, first_seen_at, last_seen_at)
select 'module_' || n % 20, 'module.type_' || n, now() - interval '100 days', now() from generate_series(1, $1::bigint) as n
