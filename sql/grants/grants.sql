-- Rights for the roles a DBA may create: neurolink_producer (may put events in, nothing else) and neurolink_readonly
-- (may look). Roles belong to the whole server, so they are never created here; each is granted to where it exists.
-- A role created later gets its rights from the next `neurolink migrate`.
do $$
declare r record;
begin
    if exists (select from pg_roles where rolname = 'neurolink_producer') then
        execute format('grant usage on schema %I to neurolink_producer', current_schema());
        grant insert (source_module, event_type, severity, occurred_at, payload, producer_idempotency_key, correlation_id,
                      branch_id, actor_id, entity_type, entity_id, traceparent)
            on neurolink_events to neurolink_producer;
        grant execute on function neurolink_emit(text, text, jsonb, text, text, text, text, text, text, text, timestamptz, text)
            to neurolink_producer;
    end if;
    if exists (select from pg_roles where rolname = 'neurolink_readonly') then
        execute format('grant usage on schema %I to neurolink_readonly', current_schema());
        -- Only what is ours to grant: a directory that the DBA has put in the place of ours is theirs.
        for r in select c.oid::regclass as t from pg_class c
                  where c.relnamespace = quote_ident(current_schema())::regnamespace and c.relname like 'neurolink\_%'
                    and c.relkind in ('r', 'v') and pg_has_role(c.relowner, 'usage')
        loop
            execute format('grant select on %s to neurolink_readonly', r.t);
        end loop;
    end if;
end $$;

-- refinery makes its table itself.
comment on table neurolink_schema_history is 'Which migrations were applied, when. Written by neurolink migrate.';
revoke all on neurolink_schema_history from public;
