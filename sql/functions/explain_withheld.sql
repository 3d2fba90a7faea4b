-- Why a rule that was true for an event didn't tell somebody, or not yet: from what rules remember. (explain.sql asks it once it is
-- known that the person has no notification of the event.)

-- Why what was to be told at a moment that is past wasn't: its kind of job is paused. The end of a sentence; empty where it isn't.
create or replace function neurolink_said_paused(kind text, due timestamptz) returns text
language sql stable security definer set search_path = @schema@, pg_temp as $$
    select coalesce((
        select pg_catalog.format('; since %s all %ss are paused, by %s%s', neurolink_said(p.paused_at), p.kind, p.paused_by, coalesce(' (' || p.reason || ')', ''))
          from neurolink_pauses p where p.kind = neurolink_said_paused.kind and due <= now() limit 1), '')
$$;
revoke execute on function neurolink_said_paused(text, timestamptz) from public;

-- Whether a person waits for the others of very many whom a rule tells, some at a time; null = they don't.
create or replace function neurolink_said_rest(event_id bigint, user_id text, rule_ids bigint[]) returns text
language sql stable security definer set search_path = @schema@, pg_temp as $$
    select format('Not yet: rule %s tells very many of event %s, some at a time, and %s is among those who wait%s.',
                  coalesce(r.name, 'rule ' || s.rule_id), neurolink_said_rest.event_id, neurolink_said_rest.user_id,
                  neurolink_said_paused('fanout', s.due_at))
      from neurolink_rule_states s left join neurolink_notification_rules r on r.id = s.rule_id
     where s.rule_id = any (neurolink_said_rest.rule_ids) and s.key = 'rest:' || neurolink_said_rest.event_id || ':0'
       and s.due_at is not null and neurolink_said_rest.user_id > (s.state ->> 'after') collate "C"
     limit 1
$$;
revoke execute on function neurolink_said_rest(bigint, text, bigint[]) from public;

-- Of what was put off: whether it is still to be told, or why it wasn't.
create or replace function neurolink_said_delayed(event_id bigint, user_id text, rule text, until timestamptz, out code text, out answer text)
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_event constant bigint := neurolink_said_delayed.event_id;
    v_rule constant text := neurolink_said_delayed.rule;
    -- The rule may have another name by now, and another rule its own.
    v_ids constant bigint[] := array (
        select v.rule_id from neurolink_rule_versions v
         where v.name = v_rule
           and v.changed_at <= (select coalesce(o.replayed_at, o.evaluated_at) from neurolink_event_outcomes o where o.event_id = v_event)
         order by v.changed_at desc limit 1);
    v_names constant text[] := array (select distinct v.name from neurolink_rule_versions v where v.rule_id = any (v_ids));
    v_row neurolink_events;
    v_entity text;
    v_plan neurolink_rule_states;
    v_is_enabled boolean;
    v_by bigint;
    v_said text;
    v_error text;
begin
    select * into v_row from neurolink_events e where e.id = v_event;
    -- As the keys of states are written (src/rules/memory/ledger.rs).
    v_entity := pg_catalog.replace(pg_catalog.replace(v_row.entity_type, '\', '\\'), ':', '\:') || ':' || v_row.entity_id;
    v_entity := case when pg_catalog.length(v_entity) > 200
                     then pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(v_entity, 'UTF8')), 'hex') else v_entity end;
    select s.* into v_plan from neurolink_rule_states s
     where s.rule_id = any (v_ids) and s.key = any (array ['delay:' || v_event, 'remind:' || v_entity]) limit 1;
    select r.enabled into v_is_enabled from neurolink_notification_rules r where r.id = any (v_ids) limit 1;
    v_said := pg_catalog.format('rule %s was to tell %s of event %s on %s', v_rule, neurolink_said_delayed.user_id, v_event,
        neurolink_said(neurolink_said_delayed.until));
    code := 'delayed';
    if v_plan.due_at is not null and v_plan.state ->> 'event' = v_event::text then
        select (r.value ->> 'event')::bigint into v_by
          from neurolink_rule_states s, pg_catalog.jsonb_each(s.state -> 'resolved') r
         where s.rule_id = 0 and s.key = 'entity:' || v_entity
           and (r.key in ('*', v_row.event_type) or r.key like '%.*' and starts_with(v_row.event_type, pg_catalog.left(r.key, -1)))
           and ((r.value ->> 'at')::timestamptz, (r.value ->> 'event')::bigint) > (v_row.occurred_at, v_event)
         order by 1 limit 1;
        select d.last_error into v_error from neurolink_dead_jobs d where d.kind = 'reminder' and d.ref_id = v_plan.alarm limit 1;
        if v_by is not null then
            code := 'resolved';
            answer := pg_catalog.format('No: %s, but event %s has resolved it.', v_said, v_by);
        elsif v_error is not null then
            code := 'failed';
            answer := pg_catalog.format('No: %s, but that failed and was given up: %s. Once the cause is mended, `neurolink queue retry` tries again.',
                v_said, rtrim(v_error, '.'));
        else
            answer := pg_catalog.format('Not yet: rule %s chose %s for event %s, and tells them on %s, unless a newer event changes that%s%s.',
                v_rule, neurolink_said_delayed.user_id, v_event, neurolink_said(v_plan.due_at),
                case when not v_is_enabled then '; but the rule is switched off now, and tells nobody if it still is then'
                     when exists (select from neurolink_rule_faults f join neurolink_notification_rules r on r.id = f.rule_id and r.version = f.version
                                   where f.rule_id = v_plan.rule_id)
                         then '; but the rule is faulty now, and tells nobody if it still is then'
                     when exists (select from neurolink_rule_holds h where h.rule_id = v_plan.rule_id)
                         then '; but the rule is held now, since it told too much, and tells nobody until it is released'
                     else '' end,
                neurolink_said_paused('reminder', v_plan.due_at));
        end if;
    elsif neurolink_said_rest(v_event, neurolink_said_delayed.user_id, v_ids) is not null then
        code := 'waiting';
        answer := neurolink_said_rest(v_event, neurolink_said_delayed.user_id, v_ids);
    elsif v_is_enabled is null then
        code := 'rule_off';
        answer := pg_catalog.format('No: %s, but it was deleted before that.', v_said);
    elsif exists (
        select from neurolink_event_outcomes o, pg_catalog.unnest(v_names) n
         where o.event_id = v_event and o.suppressed @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('rule', n, 'reason', 'rule_off'))) then
        code := 'rule_off';
        answer := pg_catalog.format('No: %s, but by then it was switched off, faulty or deleted.', v_said);
    elsif v_plan.state ->> 'event' <> v_event::text then
        code := 'superseded';
        answer := pg_catalog.format('No: %s, but the newer event %s of the same entity has taken its place.', v_said, v_plan.state ->> 'event');
    elsif exists (
        select from neurolink_event_outcomes o, pg_catalog.unnest(v_names) n
         where o.event_id = v_event and o.warnings @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('rule', n, 'kind', 'render_failed'))) then
        code := 'render_failed';
        answer := pg_catalog.format('No: %s, but its text could not be written; the event''s outcome says why.', v_said);
    elsif not exists (select from neurolink_directory d where d.id::text = neurolink_said_delayed.user_id
                         and coalesce(d.is_active::text::boolean, true)) then
        answer := pg_catalog.format('No: %s, but they were not active by then.', v_said);
    else
        answer := pg_catalog.format('No: %s, but by then they were not among those whom it tells.', v_said);
    end if;
end $$;
revoke execute on function neurolink_said_delayed(bigint, text, text, timestamptz) from public;

-- Whether an entry of an outcome is about more people than it names (src/rules/limits.rs, NAMED).
create or replace function neurolink_said_of_more(entry jsonb) returns boolean
language sql immutable security definer set search_path = @schema@, pg_temp as $$
    select case pg_catalog.jsonb_typeof(entry -> 'users') when 'array'
                then pg_catalog.jsonb_array_length(entry -> 'users') >= 500
                     and (entry ->> 'count')::bigint > pg_catalog.jsonb_array_length(entry -> 'users')
                else false end
$$;
revoke execute on function neurolink_said_of_more(jsonb) from public;

drop function if exists neurolink_said_withheld(bigint, text);
-- What is said of the person in the event's outcome, by rule the last, the latest first; no row where nothing is. An outcome names the
-- first 500 people: of `rules`, which are known to be for this person, it is also said what holds for more than those.
create or replace function neurolink_said_withheld(event_id bigint, user_id text, rules bigint[])
returns table (code text, answer text, rule text)
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_event constant bigint := neurolink_said_withheld.event_id;
    v_user constant text := neurolink_said_withheld.user_id;
    v_names constant text[] := array (select distinct v.name from neurolink_rule_versions v where v.rule_id = any (neurolink_said_withheld.rules));
    v_item neurolink_digest_items;
    v_said jsonb;
    v_rule text;
    v_until timestamptz;
    v_other bigint;
    v_due timestamptz;
begin
    for v_said in
        select l.one from (
            select distinct on (s.one ->> 'rule') s.one, s.nth
              from neurolink_event_outcomes o
             cross join lateral pg_catalog.jsonb_array_elements(
                   case pg_catalog.jsonb_typeof(o.suppressed) when 'array' then o.suppressed else '[]' end) with ordinality as s (one, nth)
             where o.event_id = v_event
               and (s.one -> 'users' ? v_user
                    or s.one ->> 'rule' = any (v_names) and neurolink_said_of_more(s.one))
             order by s.one ->> 'rule', s.one -> 'users' ? v_user desc, s.nth desc) l
         order by l.nth desc limit 20
    loop
        v_rule := v_said ->> 'rule';
        code := v_said ->> 'reason';
        v_item := null;
        select i.* into v_item from neurolink_digest_items i
          join neurolink_rule_versions v on v.rule_id = i.rule_id and v.version = i.rule_version and v.name = v_rule
         where i.event_id = v_event and i.user_id = v_user limit 1;
        -- Told by its digest: that is said elsewhere. Of more people than are named some were gathered for, and some not.
        continue when v_item.notification_id is not null or code = 'digested' and v_item.event_id is null;
        rule := v_rule;
        v_until := (v_said ->> 'until')::timestamptz;
        v_other := (v_said ->> 'by')::bigint;
        case code
            when 'digested' then
                if v_item.withdrawn is not null then
                    code := case v_item.withdrawn when 'resolved' then 'resolved' when 'expired' then 'expired' else 'undelivered' end;
                    answer := pg_catalog.format('No: rule %s chose %s for event %s and gathered it for a digest, but it was withdrawn before that was told: %s.',
                        v_rule, v_user, v_event, case v_item.withdrawn when 'resolved' then 'it was resolved' when 'expired' then 'it was too old to be of use'
                                                                       when 'inactive' then 'they were not active any more'
                                                                       when 'rule_off' then 'the rule was switched off or deleted'
                                                                       else v_item.withdrawn end);
                else
                    select s.due_at into v_due from neurolink_rule_states s
                     where s.rule_id = v_item.digest_rule_id and s.key = v_item.digest_key;
                    v_due := coalesce(v_due, v_until);
                    answer := pg_catalog.format('Not yet: rule %s chose %s for event %s, and it is gathered for the digest that is told on %s%s.',
                        v_rule, v_user, v_event, neurolink_said(v_due), neurolink_said_paused('digest', v_due));
                end if;
            when 'delayed' then
                select w.code, w.answer into code, answer from neurolink_said_delayed(v_event, v_user, v_rule, v_until) w;
            when 'throttled' then
                answer := pg_catalog.format('No: rule %s chose %s for event %s, but had told them as much as its throttle allows in that time.',
                    v_rule, v_user, v_event);
            when 'deduplicated' then
                answer := pg_catalog.format('No: rule %s is true for event %s, but %s.', v_rule, v_event,
                    coalesce(pg_catalog.format('event %s had said the same', v_other), 'had reminded of this date before'));
            when 'superseded' then
                answer := pg_catalog.format('No: rule %s is true for event %s, but the newer event %s of the same entity had taken its place.',
                    v_rule, v_event, v_other);
            when 'resolved' then
                answer := pg_catalog.format('No: rule %s is true for event %s, but event %s had resolved it.', v_rule, v_event, v_other);
            when 'no_date' then
                answer := pg_catalog.format('No: rule %s reminds of a date, and event %s has none that can be read.', v_rule, v_event);
            when 'too_late' then
                answer := pg_catalog.format('No: rule %s reminds of a date, and that of event %s was past.', v_rule, v_event);
            when 'expired' then
                answer := pg_catalog.format('No: rule %s is true for event %s, but it was too old to be of use by the time it was to be told.', v_rule, v_event);
            when 'shadow' then
                answer := pg_catalog.format('No: rule %s would have told %s of event %s, but it is a shadow rule: recorded, and never sent.', v_rule, v_user, v_event);
            when 'held' then
                answer := pg_catalog.format('No: rule %s would have told %s of event %s, but it was held back, since the rule told too much within a minute.',
                    v_rule, v_user, v_event);
            else
                answer := pg_catalog.format('No: rule %s is true for event %s, but %s was not told: %s.', v_rule, v_event, v_user, code);
        end case;
        return next;
    end loop;
end $$;
revoke execute on function neurolink_said_withheld(bigint, text, bigint[]) from public;
