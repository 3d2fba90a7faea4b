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

-- What is said of the person in the event's outcome, by rule the last, the latest first; no row where nothing is.
create or replace function neurolink_said_withheld(event_id bigint, user_id text)
returns table (code text, answer text, rule text)
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_event constant bigint := neurolink_said_withheld.event_id;
    v_user constant text := neurolink_said_withheld.user_id;
    v_item neurolink_digest_items;
    v_said jsonb;
    v_rule text;
    v_until timestamptz;
    v_other bigint;
    v_due timestamptz;
    -- Where a plan of the event may stand (src/rules/memory/ledger.rs).
    v_plans constant text[] := array (
        select 'delay:' || v_event
         union all
        select 'remind:' || case when pg_catalog.length(k.key) > 200
                                 then pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(k.key, 'UTF8')), 'hex') else k.key end
          from neurolink_events e
         cross join lateral (
               select pg_catalog.replace(pg_catalog.replace(e.entity_type, '\', '\\'), ':', '\:') || ':' || e.entity_id as key) k
         where e.id = v_event and k.key is not null);
begin
    for v_said in
        select l.one from (
            select distinct on (s.one ->> 'rule') s.one, s.nth
              from neurolink_event_outcomes o
             cross join lateral pg_catalog.jsonb_array_elements(
                   case pg_catalog.jsonb_typeof(o.suppressed) when 'array' then o.suppressed else '[]' end) with ordinality as s (one, nth)
             where o.event_id = v_event and s.one -> 'users' ? v_user
             order by s.one ->> 'rule', s.nth desc) l
         order by l.nth desc limit 20
    loop
        v_rule := v_said ->> 'rule';
        code := v_said ->> 'reason';
        v_item := null;
        select i.* into v_item from neurolink_digest_items i
          join neurolink_rule_versions v on v.rule_id = i.rule_id and v.version = i.rule_version and v.name = v_rule
         where i.event_id = v_event and i.user_id = v_user limit 1;
        -- Told by its digest: that is said elsewhere.
        continue when v_item.notification_id is not null;
        rule := v_rule;
        v_until := (v_said ->> 'until')::timestamptz;
        v_other := (v_said ->> 'by')::bigint;
        case code
            when 'digested' then
                if v_item.withdrawn is not null then
                    code := case v_item.withdrawn when 'resolved' then 'resolved' else 'undelivered' end;
                    answer := pg_catalog.format('No: rule %s chose %s for event %s and gathered it for a digest, but it was withdrawn before that was told: %s.',
                        v_rule, v_user, v_event, case v_item.withdrawn when 'resolved' then 'it was resolved' when 'inactive' then 'they were not active any more'
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
                -- The rule may have another name by now, and the reminder another moment.
                select s.due_at into v_due from neurolink_rule_states s
                 where s.rule_id = any (array (select v.rule_id from neurolink_rule_versions v where v.name = v_rule))
                   and s.key = any (v_plans) and s.due_at is not null and s.state ->> 'event' = v_event::text
                 limit 1;
                if found then
                    answer := pg_catalog.format('Not yet: rule %s chose %s for event %s, and tells them on %s, unless a newer event changes that%s.',
                        v_rule, v_user, v_event, neurolink_said(v_due), neurolink_said_paused('reminder', v_due));
                elsif exists (
                    select from neurolink_event_outcomes o
                     where o.event_id = v_event and o.suppressed @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('rule', v_rule, 'reason', 'rule_off'))) then
                    code := 'rule_off';
                    answer := pg_catalog.format('No: rule %s was to tell %s of event %s on %s, but by then it was switched off or deleted.',
                        v_rule, v_user, v_event, neurolink_said(v_until));
                else
                    answer := pg_catalog.format('No: rule %s was to tell %s of event %s on %s, but a newer event changed that, or by then they were not to be told.',
                        v_rule, v_user, v_event, neurolink_said(v_until));
                end if;
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
                answer := pg_catalog.format('No: rule %s reminds of a date, and event %s has none.', v_rule, v_event);
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
revoke execute on function neurolink_said_withheld(bigint, text) from public;
