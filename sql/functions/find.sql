-- Finding deliveries and dead jobs by a filter, newest first, a bounded stretch at a time: the log has one index, and gets no
-- second one that the drain would pay for (V0001). Both are read by the API's lists and by what retries by filter.

-- The id at which deliveries made at a moment or later begin. Ids and times rise together, but for the minutes a transaction
-- may take: whoever asks leaves room for those. Null where there are none.
create or replace function neurolink_delivery_at(at timestamptz) returns bigint
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    v_low bigint;
    v_high bigint;
    v_middle bigint;
    v_seen record;
begin
    select min(d.id), max(d.id) + 1 into v_low, v_high from neurolink_delivery_log d;
    while v_low < v_high loop
        v_middle := v_low + (v_high - v_low) / 2;
        select d.id, d.created_at into v_seen from neurolink_delivery_log d where d.id >= v_middle order by d.id limit 1;
        if not found or v_seen.created_at >= at then
            v_high := v_middle;
        else
            v_low := v_seen.id + 1;
        end if;
    end loop;
    return v_low;
end $$;
comment on function neurolink_delivery_at(timestamptz) is 'About where in the delivery log a moment lies: an id';
revoke execute on function neurolink_delivery_at(timestamptz) from public;

-- Refuses what a filter can't mean, so that a misspelt key never widens what is retried.
create or replace function neurolink_check_filter(filter jsonb, known text[]) returns void
language plpgsql immutable security definer set search_path = @schema@, pg_temp as $$
declare
    v_key text;
begin
    if filter is null or jsonb_typeof(filter) <> 'object' then
        raise exception 'the filter is a JSON object' using errcode = 'invalid_parameter_value';
    end if;
    for v_key in select k from jsonb_object_keys(filter) k loop
        if v_key <> all (known) then
            raise exception 'the filter has no key "%"', v_key
                using errcode = 'invalid_parameter_value', hint = 'It takes ' || array_to_string(known, ', ') || '.';
        end if;
    end loop;
end $$;
revoke execute on function neurolink_check_filter(jsonb, text[]) from public;

-- Deliveries below an id that a filter lets through, newest first.
-- filter: status, channel, user_id, event_id, from, to (of created_at), each or none.
-- branches: only these and what is of none (null = all). most: ids at most. look: rows looked at, at most.
-- Gives the ids, and below which id to go on; null there = nothing more.
create or replace function neurolink_find_deliveries(
    filter jsonb, below bigint, branches text[], most integer, look integer, out ids bigint[], out reached bigint)
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    -- No transaction of the pipeline lasts longer, so no delivery is farther from its place.
    c_disorder constant interval := '10 minutes';
    -- Where one person's (or one event's) rows are each on a page of their own: 4 000 of them took 65 ms warm, 190 ms cold.
    c_scattered constant integer := 1000;
    v_status constant text := filter ->> 'status';
    v_user constant text := filter ->> 'user_id';
    v_event constant bigint := filter ->> 'event_id';
    v_from constant timestamptz := filter ->> 'from';
    v_to constant timestamptz := filter ->> 'to';
    v_low bigint := 0;
    v_high bigint := coalesce(below, 9223372036854775807);
    -- Grows: most pages are full after the first look.
    v_look integer := case when v_event is null and v_user is null then look else least(look, c_scattered) end;
    v_size integer := least(greatest(most, 1) * 4, v_look);
    v_looked integer := 0;
    v_source text;
    v_wide boolean := false;
    v_evaluated record;
    v_found bigint[];
    v_lowest bigint;
    v_count integer;
begin
    perform neurolink_check_filter(filter, '{status,channel,user_id,event_id,from,to}');
    if v_from is not null then
        v_low := coalesce(neurolink_delivery_at(v_from - c_disorder), 0);
    end if;
    if v_to is not null then
        v_high := least(v_high, coalesce(neurolink_delivery_at(v_to + c_disorder), 0));
    end if;
    if v_event is not null then
        -- An event may have told everybody, and sorting all of those for each page took half a second. Their rows stand together in the
        -- log, where the event was evaluated: that stretch is walked instead.
        v_wide := (select count(*) from (select from neurolink_notifications n where n.event_id = v_event limit c_scattered + 1) n) > c_scattered;
        if v_wide then
            -- The event of each is looked up.
            v_look := least(look, case when v_user is null then 2 else 1 end * c_scattered);
            select o.evaluated_at, greatest(o.evaluated_at, o.replayed_at) as until into v_evaluated
              from neurolink_event_outcomes o where o.event_id = v_event;
            if v_evaluated.evaluated_at is not null then
                v_low := greatest(v_low, coalesce(neurolink_delivery_at(v_evaluated.evaluated_at - c_disorder), 0));
                -- Later steps (reminders, escalations) may be anywhere behind.
                if not exists (select from neurolink_notifications n where n.event_id = v_event and n.step > 0) then
                    v_high := least(v_high, coalesce(neurolink_delivery_at(v_evaluated.until + c_disorder), v_high));
                end if;
            end if;
        end if;
    end if;
    -- Each names what leads to the fewest rows: $1 above or at, $2 below, $3 rows at most.
    if v_event is not null and not v_wide then
        v_source := 'select n.id from neurolink_notifications n where n.event_id = $9 and n.id <= ($2 - 1) / 32 and n.id >= $1 / 32
                      order by n.id desc limit $3';
    elsif v_user is not null then
        v_source := 'select n.id from neurolink_notifications n where n.user_id = $8 and n.id <= ($2 - 1) / 32 and n.id >= $1 / 32
                      order by n.id desc limit $3';
    end if;
    if v_source is not null then
        v_source := 'select coalesce(d.id, n.id * 32) as id, d.status, d.channel, d.created_at, d.user_id, d.notification_id
                       from (' || v_source || ') n
                       left join neurolink_delivery_log d on d.id between n.id * 32 and n.id * 32 + 31 and d.id < $2 and d.id >= $1';
    elsif v_status = 'dead' then
        v_source := 'select d.id, d.status, d.channel, d.created_at, d.user_id, d.notification_id from neurolink_delivery_log d
                      where d.status = ''dead'' and d.id < $2 and d.id >= $1 order by d.id desc limit $3';
    elsif v_status = 'pending' then
        -- What is pending has a job.
        v_source := 'select j.ref_id as id, d.status, d.channel, d.created_at, d.user_id, d.notification_id
                       from (select j.ref_id from neurolink_jobs j
                              where j.kind = ''delivery'' and j.ref_id < $2 and j.ref_id >= $1 order by j.ref_id desc limit $3) j
                       left join neurolink_delivery_log d on d.id = j.ref_id';
    else
        v_source := 'select d.id, d.status, d.channel, d.created_at, d.user_id, d.notification_id from neurolink_delivery_log d
                      where d.id < $2 and d.id >= $1 order by d.id desc limit $3';
    end if;

    ids := '{}';
    loop
        execute 'with stretch as materialized (' || v_source || '), matched as (
                     select s.id from stretch s
                      where s.status is not null and ($4 is null or s.status = $4) and ($5 is null or s.channel = $5)
                        and ($6 is null or s.created_at >= $6) and ($7 is null or s.created_at < $7)
                        and ($8 is null or s.user_id = $8)
                        and ($9 is null or exists (select from neurolink_notifications n
                             where n.user_id = s.user_id and n.id = s.notification_id and n.event_id = $9))
                        and ($10 is null or exists (select from neurolink_notifications n
                             where n.user_id = s.user_id and n.id = s.notification_id
                               and (n.branch_id is null or n.branch_id = any ($10))))
                      order by s.id desc limit $11)
                 select (select coalesce(array_agg(m.id order by m.id desc), ''{}'') from matched m),
                        (select min(s.id) from stretch s), (select count(*) from stretch s)'
           into v_found, v_lowest, v_count
          using v_low, v_high, v_size, v_status, filter ->> 'channel', v_from, v_to, v_user, v_event, branches,
                most - cardinality(ids);
        ids := ids || v_found;
        if cardinality(ids) >= most then
            reached := ids[cardinality(ids)];
            return;
        elsif v_count < v_size then
            return;
        end if;
        v_looked := v_looked + v_count;
        if v_looked >= v_look then
            reached := v_lowest;
            return;
        end if;
        v_high := v_lowest;
        v_size := least(v_size * 4, v_look - v_looked);
    end loop;
end $$;
comment on function neurolink_find_deliveries(jsonb, bigint, text[], integer, integer) is
    'A page of the delivery log by filter (status, channel, user_id, event_id, from, to), newest first; reached is where to go on';
revoke execute on function neurolink_find_deliveries(jsonb, bigint, text[], integer, integer) from public;

-- Dead jobs below an id that a filter lets through, newest first. filter: kind, from, to (of died_at), each or none.
create or replace function neurolink_find_dead_jobs(filter jsonb, below bigint, branches text[], most integer) returns setof bigint
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
begin
    perform neurolink_check_filter(filter, '{kind,from,to}');
    return query
    select d.id from neurolink_dead_jobs d
     where d.id < coalesce(below, 9223372036854775807)
       and (filter ->> 'kind' is null or d.kind = filter ->> 'kind')
       and (filter ->> 'from' is null or d.died_at >= (filter ->> 'from')::timestamptz)
       and (filter ->> 'to' is null or d.died_at < (filter ->> 'to')::timestamptz)
       and (branches is null or d.kind <> 'event' or exists (
            select from neurolink_events e where e.id = d.ref_id and (e.branch_id is null or e.branch_id = any (branches))))
     order by d.id desc limit most;
end $$;
comment on function neurolink_find_dead_jobs(jsonb, bigint, text[], integer) is 'A page of the dead jobs by filter (kind, from, to), newest first';
revoke execute on function neurolink_find_dead_jobs(jsonb, bigint, text[], integer) from public;
