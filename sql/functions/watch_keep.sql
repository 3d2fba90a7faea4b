-- The part of watches that needs our own rights: their rows, and the functions that their triggers run. Each asks whether the caller
-- might make a trigger on the table, since only then is it theirs to say what is told of it.

-- What a watch's function is called; its triggers add _insert, _update, _delete.
create or replace function neurolink_watch_object(id bigint) returns text
language sql immutable set search_path = @schema@, pg_temp as $$
    select 'neurolink_watch_' || id::text
$$;
revoke execute on function neurolink_watch_object(bigint) from public;

-- Who called, seen from inside of a function that runs with our rights.
create or replace function neurolink_watcher() returns name
language sql stable set search_path = @schema@, pg_temp as $$
    select case pg_catalog.current_setting('role') when 'none' then session_user else pg_catalog.current_setting('role')::name end
$$;
revoke execute on function neurolink_watcher() from public;

create or replace function neurolink_watch_permit(relation regclass) returns void
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
begin
    -- Null when the table is gone: then there is nothing left to protect.
    if not pg_catalog.has_table_privilege(neurolink_watcher(), relation::oid, 'trigger') then
        raise exception 'neurolink_watch: % may not make triggers on %', neurolink_watcher(), relation
            using errcode = 'insufficient_privilege', hint = pg_catalog.format('grant trigger on %s to %I', relation, neurolink_watcher());
    end if;
end $$;
revoke execute on function neurolink_watch_permit(regclass) from public;

-- Every name must be a column.
create or replace function neurolink_watch_columns(relation regclass, parameter text, names text[]) returns void
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    v_wrong text;
begin
    select w into v_wrong from pg_catalog.unnest(names) w
     where w is null or not exists (select from pg_catalog.pg_attribute a
                        where a.attrelid = relation::oid and a.attname = w and a.attnum > 0 and not a.attisdropped) limit 1;
    if found then
        raise exception 'neurolink_watch: %: % has no column "%"', parameter, relation, coalesce(v_wrong, 'null')
            using errcode = 'undefined_column',
                  hint = (select 'It has ' || pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
                           where a.attrelid = relation::oid and a.attnum > 0 and not a.attisdropped);
    end if;
end $$;
revoke execute on function neurolink_watch_columns(regclass, text, text[]) from public;

-- Whether such a table can be watched so; says what is in the way.
create or replace function neurolink_watch_check(
    relation regclass, event_type text, source_module text, entity_type text, operations text[], severity text) returns void
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    v_class pg_catalog.pg_class;
    v_wrong text;
begin
    select * into v_class from pg_catalog.pg_class c where c.oid = relation::oid;
    v_wrong := case
        when v_class.oid is null then 'there is no such table'
        when v_class.relkind not in ('r', 'p') then pg_catalog.format('%s is not a table', relation)
        when v_class.relpersistence = 't' then pg_catalog.format('%s is a temporary table', relation)
        when v_class.relispartition then pg_catalog.format('%s is a partition: watch the table that it is a part of', relation)
        when v_class.relname like 'neurolink\_%' and v_class.relnamespace = (select c.relnamespace from pg_catalog.pg_class c where c.oid = 'neurolink_watches'::regclass::oid)
            then pg_catalog.format('%s is NeuroLink''s own', relation)
        when event_type is null or event_type !~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' or length(event_type) > 128
            then pg_catalog.format('"%s" is no event type: it is lower-case words with dots between, invoice.changed', event_type)
        when source_module is null or source_module !~ '^[a-z0-9_]+([.-][a-z0-9_]+)*$' or length(source_module) > 64
            then pg_catalog.format('"%s" is no source_module: it is lower-case words, invoicing', source_module)
        when entity_type is not null and length(entity_type) not between 1 and 64 then 'entity_type is 1 to 64 characters'
        when severity is null or severity not in ('info', 'warning', 'error', 'critical')
            then 'severity is info, warning, error or critical'
        when coalesce(pg_catalog.cardinality(operations), 0) = 0 or not operations <@ '{insert,update,delete}'::text[]
            then 'operations are insert, update, delete, or some of them'
    end;
    if v_wrong is not null then
        raise exception 'neurolink_watch: %', v_wrong using errcode = 'invalid_parameter_value';
    elsif 'update' = any (operations) and neurolink_watch_key(relation) = '{}' then
        raise exception 'neurolink_watch: % has neither a primary key nor a unique index over columns that are never null', relation
            using errcode = 'invalid_parameter_value', detail = 'The old and the new rows of an update are paired by such a key.',
                  hint = 'Give it a key, or watch operations => ''{insert,delete}''.';
    end if;
end $$;
revoke execute on function neurolink_watch_check(regclass, text, text, text, text[], text) from public;

-- Writes a watch and its function. The caller may use that function until neurolink_watch_made. Gives the watch's id.
create or replace function neurolink_watch_keep(
    name text, relation regclass, event_type text, columns text[], source_module text, entity_type text, entity_id text,
    branch_id text, actor_id text, payload_columns text[], without_columns text[], operations text[], severity text
) returns bigint
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_before neurolink_watches;
    v_after neurolink_watches;
begin
    perform neurolink_watch_check(neurolink_watch_keep.relation, neurolink_watch_keep.event_type, neurolink_watch_keep.source_module,
                                  neurolink_watch_keep.entity_type, neurolink_watch_keep.operations, neurolink_watch_keep.severity);
    perform neurolink_watch_permit(neurolink_watch_keep.relation);
    perform neurolink_watch_columns(neurolink_watch_keep.relation, c.parameter, c.names)
       from (values ('columns', neurolink_watch_keep.columns), ('payload_columns', neurolink_watch_keep.payload_columns),
                    ('without_columns', neurolink_watch_keep.without_columns),
                    ('entity_id', array[neurolink_watch_keep.entity_id]), ('branch_id', array[neurolink_watch_keep.branch_id]),
                    ('actor_id', array[neurolink_watch_keep.actor_id])) as c (parameter, names)
      where c.names <> array[null::text];
    if neurolink_watch_keep.columns = '{}' then
        raise exception 'neurolink_watch: columns names none' using errcode = 'invalid_parameter_value';
    end if;

    select * into v_before from neurolink_watches w where w.name = neurolink_watch_keep.name for update;
    if v_before.relation::oid <> neurolink_watch_keep.relation::oid
       and exists (select from pg_catalog.pg_class c where c.oid = v_before.relation::oid) then
        raise exception 'neurolink_watch: the watch "%" is of %', neurolink_watch_keep.name, v_before.relation
            using errcode = 'duplicate_object', hint = 'Give this one another name (name => ''…''), or neurolink_unwatch() that one first.';
    end if;
    insert into neurolink_watches as w (name, relation, source_module, event_type, severity, entity_type, entity_id, branch_id, actor_id,
                                        columns, payload_columns, without_columns, operations, created_by)
    values (neurolink_watch_keep.name, neurolink_watch_keep.relation, neurolink_watch_keep.source_module, neurolink_watch_keep.event_type,
            neurolink_watch_keep.severity, neurolink_watch_keep.entity_type, neurolink_watch_keep.entity_id, neurolink_watch_keep.branch_id,
            neurolink_watch_keep.actor_id, neurolink_watch_keep.columns, neurolink_watch_keep.payload_columns,
            coalesce(neurolink_watch_keep.without_columns, '{}'),
            array(select o from pg_catalog.unnest('{insert,update,delete}'::text[]) o where o = any (neurolink_watch_keep.operations)), neurolink_actor())
    on conflict (name) do update
       set relation = excluded.relation, source_module = excluded.source_module, event_type = excluded.event_type, severity = excluded.severity,
           entity_type = excluded.entity_type, entity_id = excluded.entity_id, branch_id = excluded.branch_id, actor_id = excluded.actor_id,
           columns = excluded.columns, payload_columns = excluded.payload_columns, without_columns = excluded.without_columns,
           operations = excluded.operations, changed_at = now()
    returning * into v_after;
    perform neurolink_watch_define(v_after);
    if not pg_catalog.has_function_privilege(neurolink_watcher(), pg_catalog.format('%I()', neurolink_watch_object(v_after.id)), 'execute') then
        execute pg_catalog.format('grant execute on function %I() to %I', neurolink_watch_object(v_after.id), neurolink_watcher());
    end if;
    perform neurolink_audit(case when v_before.id is null then 'watch.created' else 'watch.updated' end, 'watch', v_after.name,
                            neurolink_watch_said(v_before), neurolink_watch_said(v_after));
    return v_after.id;
end $$;
revoke execute on function neurolink_watch_keep(text, regclass, text, text[], text, text, text, text, text, text[], text[], text[], text) from public;

-- A watch as the audit log keeps it.
create or replace function neurolink_watch_said(watch neurolink_watches) returns jsonb
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.to_jsonb(watch) - '{id,created_by,created_at,changed_at,failed_count,last_error,last_failed_at}'::text[] where watch.id is not null
$$;
revoke execute on function neurolink_watch_said(neurolink_watches) from public;

-- The triggers are made; nobody else is to make others of them, by which events could be put in.
create or replace function neurolink_watch_made(id bigint) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    if neurolink_watcher() <> current_user then
        execute pg_catalog.format('revoke execute on function %I() from %I', neurolink_watch_object(id), neurolink_watcher());
    end if;
end $$;
revoke execute on function neurolink_watch_made(bigint) from public;

-- The watch of a name, for who may take it away.
create or replace function neurolink_watch_of(name text, out id bigint, out relation regclass)
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
begin
    select w.id, w.relation into id, relation from neurolink_watches w where w.name = neurolink_watch_of.name;
    if id is null then
        raise exception 'neurolink_unwatch: there is no watch "%"', neurolink_watch_of.name using errcode = 'undefined_object',
            hint = 'select name, relation from neurolink_watch_health';
    end if;
    perform neurolink_watch_permit(relation);
end $$;
revoke execute on function neurolink_watch_of(text) from public;

-- The triggers are gone; so goes the rest.
create or replace function neurolink_watch_forget(id bigint) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_watch neurolink_watches;
begin
    select * into v_watch from neurolink_watches w where w.id = neurolink_watch_forget.id for update;
    perform neurolink_watch_permit(v_watch.relation);
    execute pg_catalog.format('drop function if exists %I()', neurolink_watch_object(v_watch.id));
    delete from neurolink_watches w where w.id = v_watch.id;
    perform neurolink_audit('watch.deleted', 'watch', v_watch.name, neurolink_watch_said(v_watch), null);
end $$;
revoke execute on function neurolink_watch_forget(bigint) from public;
