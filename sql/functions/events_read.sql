-- Reading events by time without an index on it: ids and received_at rise together, but for transactions that were long open.

-- An id from which on events were received at this moment or later: binary search over the primary key, some 25 looks. Received_at is the
-- start of a transaction and the id is taken later, so neighbours may stand in disorder: ask for a moment some minutes off, and filter.
create or replace function neurolink_event_id_at(moment timestamptz) returns bigint
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    v_low bigint := coalesce((select min(id) from neurolink_events), 1);
    v_high bigint := coalesce((select max(id) from neurolink_events), 0) + 1;
    v_middle bigint;
    v_id bigint;
    v_at timestamptz;
begin
    -- The answer lies in [v_low, v_high].
    while v_low < v_high loop
        v_middle := v_low + (v_high - v_low) / 2;
        select e.id into v_id from neurolink_events e where e.id >= v_middle order by e.id limit 1;
        -- Never later than it was: among neighbours the latest is nearest to the truth, also where a long transaction's rows
        -- (of its start's time) stand between the others'.
        select max(w.received_at) into v_at
          from (select e.received_at from neurolink_events e where e.id <= v_id order by e.id desc limit 500) w;
        if v_id is null or v_at >= moment then
            v_high := v_middle;
        else
            v_low := v_id + 1;
        end if;
    end loop;
    return v_low;
end $$;
comment on function neurolink_event_id_at(timestamptz) is
    'An id from which on events were received at this moment or later, by binary search over the key; exact but for transactions that were long open';
revoke execute on function neurolink_event_id_at(timestamptz) from public;
