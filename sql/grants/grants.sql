-- Rights for the roles a DBA may create: neurolink_producer (may put events in, nothing else) and neurolink_readonly
-- (may look). Roles belong to the whole server, so they are never created here; each is granted to where it exists.
do $$
declare r record;
begin
    if exists (select from pg_roles where rolname = 'neurolink_producer') then
        grant usage on schema @schema@ to neurolink_producer;
        grant insert (source_module, event_type, severity, occurred_at, payload, producer_idempotency_key, correlation_id,
                      branch_id, actor_id, entity_type, entity_id, traceparent)
            on neurolink_events to neurolink_producer;
        grant execute on function neurolink_emit(text, text, jsonb, text, text, text, text, text, text, text, timestamptz, text)
            to neurolink_producer;
    end if;
    if exists (select from pg_roles where rolname = 'neurolink_readonly') then
        grant usage on schema @schema@ to neurolink_readonly;
        for r in select c.oid::regclass as t from pg_class c
                  where c.relnamespace = '@schema@'::regnamespace and c.relname like 'neurolink\_%' and c.relkind in ('r', 'v')
        loop
            execute format('grant select on %s to neurolink_readonly', r.t);
        end loop;
    end if;
end $$;
