-- The idempotent way in for SQL. Joins the caller's transaction. Returns the event's id: the same key in the same
-- module gives the same id; another body under that key gives the old id too, and a WARNING. Fields left null are not
-- compared. Raises only for a malformed event (the table's own checks).
create or replace function neurolink_emit(
    source_module text, event_type text, payload jsonb,
    severity text default null, idempotency_key text default null, correlation_id text default null,
    branch_id text default null, actor_id text default null, entity_type text default null,
    entity_id text default null, occurred_at timestamptz default null, traceparent text default null
) returns bigint
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_id bigint;
    v_same boolean;
begin
    -- More than once only when an admin deletes the old event between the insert and the look; bounded, since a trigger
    -- of the DBA's own may swallow the row.
    for turn in 1..3 loop
        insert into neurolink_events (source_module, event_type, payload, severity, producer_idempotency_key, correlation_id,
                                      branch_id, actor_id, entity_type, entity_id, occurred_at, traceparent)
        values (neurolink_emit.source_module, neurolink_emit.event_type, coalesce(neurolink_emit.payload, '{}'),
                coalesce(neurolink_emit.severity, 'info'), neurolink_emit.idempotency_key, neurolink_emit.correlation_id,
                neurolink_emit.branch_id, neurolink_emit.actor_id, neurolink_emit.entity_type, neurolink_emit.entity_id,
                coalesce(neurolink_emit.occurred_at, now()), neurolink_emit.traceparent)
        on conflict (source_module, producer_idempotency_key) where producer_idempotency_key is not null do nothing
        returning id into v_id;
        if v_id is not null then
            return v_id;
        end if;

        select e.id,
               e.event_type = neurolink_emit.event_type
               and e.payload = coalesce(neurolink_emit.payload, '{}')
               and (neurolink_emit.severity is null or e.severity = neurolink_emit.severity)
               and (neurolink_emit.correlation_id is null or e.correlation_id is not distinct from neurolink_emit.correlation_id)
               and (neurolink_emit.branch_id is null or e.branch_id is not distinct from neurolink_emit.branch_id)
               and (neurolink_emit.actor_id is null or e.actor_id is not distinct from neurolink_emit.actor_id)
               and (neurolink_emit.entity_type is null or e.entity_type is not distinct from neurolink_emit.entity_type)
               and (neurolink_emit.entity_id is null or e.entity_id is not distinct from neurolink_emit.entity_id)
               and (neurolink_emit.occurred_at is null or e.occurred_at = neurolink_emit.occurred_at)
               and (neurolink_emit.traceparent is null or e.traceparent is not distinct from neurolink_emit.traceparent)
          into v_id, v_same
          from neurolink_events e
         where e.source_module = neurolink_emit.source_module
           and e.producer_idempotency_key = neurolink_emit.idempotency_key;
        exit when found;
    end loop;
    if v_id is not null and v_same is distinct from true then
        raise warning 'neurolink_emit: key "%" of module "%" already names event %, whose body differs; it is kept as it is',
            neurolink_emit.idempotency_key, neurolink_emit.source_module, v_id;
    end if;
    return v_id;
end $$;
comment on function neurolink_emit(text, text, jsonb, text, text, text, text, text, text, text, timestamptz, text) is
    'Tell NeuroLink of a business event, inside your own transaction: select neurolink_emit(''invoicing'', ''invoice.overdue'', ''{"invoice_id": 7}'', idempotency_key => ''inv-7-overdue'')';
revoke execute on function neurolink_emit(text, text, jsonb, text, text, text, text, text, text, text, timestamptz, text) from public;
