-- Rights for the roles a DBA may create: neurolink_producer (may put events in, nothing else), neurolink_readonly (may look) and
-- neurolink_admin (may look, steer by functions, and write rules, people and preferences). Roles belong to the whole server, so
-- they are never created here; each is granted to where it exists. A role created later gets its rights from the
-- next `neurolink migrate`.
do $$
declare
    r record;
    role text;
    -- By name: what this version doesn't have yet isn't granted.
    looking constant text[] := '{neurolink_queue_depth,neurolink_user_timeline,neurolink_event_trace,neurolink_explain,neurolink_epoch}';
    steering constant text[] := '{neurolink_emit,neurolink_pause,neurolink_resume,neurolink_retry,neurolink_discard,neurolink_cancel,neurolink_audit,neurolink_roll_up,neurolink_recount_inbox,neurolink_tell,neurolink_tell_people,neurolink_release_rule}';
begin
    if exists (select from pg_roles where rolname = 'neurolink_producer') then
        execute format('grant usage on schema %I to neurolink_producer', current_schema());
        grant insert (source_module, event_type, severity, occurred_at, payload, producer_idempotency_key, correlation_id,
                      branch_id, actor_id, entity_type, entity_id, traceparent)
            on neurolink_events to neurolink_producer;
        grant execute on function neurolink_emit(text, text, jsonb, text, text, text, text, text, text, text, timestamptz, text)
            to neurolink_producer;
    end if;
    for role in select rolname from pg_roles where rolname in ('neurolink_readonly', 'neurolink_admin') loop
        execute format('grant usage on schema %I to %I', current_schema(), role);
        -- Only what is ours to grant: a directory that the DBA has put in the place of ours is theirs. Tickets concern nobody.
        for r in select c.oid::regclass as t from pg_class c
                  where c.relnamespace = quote_ident(current_schema())::regnamespace and c.relname like 'neurolink\_%'
                    and c.relname <> 'neurolink_stream_tickets'
                    and c.relkind in ('r', 'v') and pg_has_role(c.relowner, 'usage')
        loop
            execute format('grant select on %s to %I', r.t, role);
        end loop;
        for r in select p.oid::regprocedure as f from pg_proc p
                  where p.pronamespace = quote_ident(current_schema())::regnamespace and pg_has_role(p.proowner, 'usage')
                    and (p.proname = any (looking) or role = 'neurolink_admin' and p.proname = any (steering))
        loop
            execute format('grant execute on function %s to %I', r.f, role);
        end loop;
    end loop;
    if exists (select from pg_roles where rolname = 'neurolink_admin') then
        -- What people write by hand. Everything else moves by functions alone: a hot table changed by hand is a lost fence.
        grant insert, update, delete on neurolink_notification_rules, neurolink_users, neurolink_user_preferences to neurolink_admin;
    end if;
end $$;

-- refinery makes its table itself.
comment on table neurolink_schema_history is 'Which migrations were applied, when. Written by neurolink migrate.';
revoke all on neurolink_schema_history from public;
