-- Why somebody was told of an event, or not, from what is stored. JSONLogic isn't evaluated here: where that would know more,
-- is_complete is false and the answer says so (`neurolink why` and GET /v1/events/{id}/why begin with this very function).

-- Calls on values of any type name pg_catalog: a function in our schema that fits better would run with our rights.

-- A moment as the sentences write it.
create or replace function neurolink_said(moment timestamptz) returns text
language sql stable security definer set search_path = @schema@, pg_temp as $$
    select to_char(moment at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')
$$;
revoke execute on function neurolink_said(timestamptz) from public;

-- Until when a delivery waits before its first attempt, and why, as a part of a sentence; null = it doesn't, or no longer.
create or replace function neurolink_said_deferred(delivery neurolink_delivery_log) returns text
language sql stable security definer set search_path = @schema@, pg_temp as $$
    select case delivery.deferred_by when 'quiet_hours' then 'waits for the end of their quiet hours, until ' else 'waits until ' end
           || neurolink_said(j.run_at)
      from neurolink_jobs j
     where delivery.status = 'pending' and delivery.deferred_by is not null
       and j.kind = 'delivery' and j.ref_id = delivery.id and j.claimed_by is null and j.attempt = 0 and j.run_at > now()
     order by j.id limit 1
$$;
revoke execute on function neurolink_said_deferred(neurolink_delivery_log) from public;

-- What became of one delivery, as a part of a sentence, and whether the person was reached by it.
create or replace function neurolink_said_delivery(
    delivery neurolink_delivery_log, notification neurolink_notifications, out reached text, out said text)
language sql stable security definer set search_path = @schema@, pg_temp as $$
    with words (channel, place) as (
        values ('in_app', 'in the inbox'), ('email', 'by e-mail'), ('sms', 'by SMS'), ('whatsapp', 'by WhatsApp'),
               ('telegram', 'by Telegram'), ('slack', 'by Slack'), ('web_push', 'by Web Push'), ('webhook', 'by webhook'))
    select case when delivery.status in ('sent', 'delivered') then 'yes' when delivery.status = 'pending' then 'pending'
                when delivery.status = 'dead' then 'dead' else 'no' end,
           case when delivery.status in ('sent', 'delivered') then '' when delivery.status = 'pending' then '' else 'not ' end
           || w.place || ' ('
           || case
                  when delivery.status in ('sent', 'delivered') and delivery.channel = 'in_app' then
                      case when notification.deleted_at is not null then 'deleted on ' || neurolink_said(notification.deleted_at)
                           when notification.acknowledged_at is not null then 'acknowledged on ' || neurolink_said(notification.acknowledged_at)
                           -- Resolving reads: only another moment is the person's own.
                           when notification.resolved_at is not null and notification.read_at is not distinct from notification.resolved_at
                               then 'resolved on ' || neurolink_said(notification.resolved_at) || ' before they read it'
                           when notification.read_at is not null then 'read on ' || neurolink_said(notification.read_at)
                           when notification.seen_at is not null then 'seen on ' || neurolink_said(notification.seen_at)
                           when notification.archived_at is not null and notification.expires_at <= notification.archived_at
                               then 'expired on ' || neurolink_said(notification.expires_at) || ' before they read it'
                           else 'not read yet' end
                  when delivery.status in ('sent', 'delivered') then
                      delivery.status || ' on ' || neurolink_said(coalesce(delivery.sent_at, delivery.delivered_at, delivery.created_at))
                      || case delivery.deferred_by when 'quiet_hours' then ', after their quiet hours' else '' end
                  when delivery.status = 'pending' then
                      coalesce(neurolink_said_deferred(delivery), 'under way, attempts so far: ' || delivery.attempts)
                  when delivery.status = 'dead' then
                      'given up, attempts: ' || delivery.attempts || coalesce(', ' || delivery.last_error, '')
                  when delivery.status = 'cancelled' then
                      case delivery.last_error when 'resolved' then 'cancelled, since it was resolved before it was sent'
                                               when 'expired' then 'cancelled, since it had expired before it was sent'
                                               else 'cancelled' || coalesce(': ' || delivery.last_error, '') end
                  else case delivery.last_error
                           when 'preference' then 'switched off in their preferences'
                           when 'not_configured' then 'that channel has no settings here'
                           when 'no_address' then 'they have no address for it'
                           else coalesce(delivery.last_error, 'suppressed') end
              end || ')'
      from words w where w.channel = delivery.channel
$$;
revoke execute on function neurolink_said_delivery(neurolink_delivery_log, neurolink_notifications) from public;

create or replace function neurolink_explain(event_id bigint, user_id text)
returns table (code text, answer text, is_complete boolean, facts jsonb)
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_event constant bigint := neurolink_explain.event_id;
    v_user constant text := neurolink_explain.user_id;
    v_row neurolink_events;
    v_outcome neurolink_event_outcomes;
    v_job neurolink_jobs;
    v_pause neurolink_pauses;
    v_known boolean;
    v_active boolean;
    v_told jsonb;
    v_said text;
    v_reached text;
    v_besides text;
    v_withheld jsonb;
begin
    is_complete := true;
    select * into v_row from neurolink_events e where e.id = v_event;
    if v_row.id is null then
        code := 'unknown_event';
        answer := pg_catalog.format('There is no event %s.', v_event);
        facts := '{}';
        return next;
        return;
    end if;
    select * into v_outcome from neurolink_event_outcomes o where o.event_id = v_event;
    facts := pg_catalog.jsonb_build_object(
        'event', pg_catalog.jsonb_build_object('id', v_row.id, 'source_module', v_row.source_module, 'event_type', v_row.event_type,
            'branch_id', v_row.branch_id, 'actor_id', v_row.actor_id, 'received_at', v_row.received_at),
        'evaluated_at', v_outcome.evaluated_at, 'replayed_at', v_outcome.replayed_at,
        'rules_matched', v_outcome.rules_matched, 'notifications', v_outcome.notifications, 'error', v_outcome.error,
        'warnings', v_outcome.warnings);

    -- Told? Rule by rule (a loose scan of the unique key), since an event may have told very many.
    with recursive rules as (
        (select n.rule_id from neurolink_notifications n where n.event_id = v_event order by n.rule_id limit 1)
        union all
        select (select n.rule_id from neurolink_notifications n
                 where n.event_id = v_event and n.rule_id > r.rule_id order by n.rule_id limit 1)
          from rules r where r.rule_id is not null
    ), told as (
        select x.row, coalesce(v.name, 'rule ' || r.rule_id) as rule
          from rules r
         -- By the unique key, a rule at a time: as a plain join it walked everything that this person was ever told (1.8 s).
         cross join lateral (
               select n as row from neurolink_notifications n
                where n.event_id = v_event and n.rule_id = r.rule_id and n.user_id = v_user order by n.step offset 0) x
          left join neurolink_rule_versions v on v.rule_id = r.rule_id and v.version = (x.row).rule_version
        union all
        select n, coalesce(v.name, 'rule ' || i.rule_id) || ' in a digest'
          from neurolink_digest_items i
          join neurolink_notifications n on n.user_id = i.user_id and n.id = i.notification_id
          left join neurolink_rule_versions v on v.rule_id = i.rule_id and v.version = i.rule_version
         where i.event_id = v_event and i.user_id = v_user
    ), sent as (
        select t.row, t.rule, d, s.reached, s.said
          from told t
          left join neurolink_delivery_log d on d.id between (t.row).id * 32 and (t.row).id * 32 + 31
          left join lateral neurolink_said_delivery(d, t.row) s on d.id is not null
    ), each as (
        select (row).id as id, max(rule) as rule, max((row).rule_id) as rule_id, max((row).rule_version) as version, max((row).step) as step, max((row).created_at) as at,
               max((row).seen_at) as seen_at, max((row).read_at) as read_at, max((row).deleted_at) as deleted_at,
               max((row).acknowledged_at) as acknowledged_at, max((row).resolved_at) as resolved_at, max((row).expires_at) as expires_at,
               bool_or((row).in_app) as in_app,
               string_agg(said, ', ' order by (d).id) as said, string_agg(reached, ' ') as reached,
               coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', (d).id, 'channel', (d).channel, 'status', (d).status,
                   'attempts', (d).attempts, 'reason', (d).last_error, 'deferred_by', (d).deferred_by, 'sent_at', (d).sent_at, 'ended_at', (d).ended_at)
                   order by (d).id) filter (where (d).id is not null), '[]') as deliveries
          from sent group by (row).id
    )
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('notification_id', id, 'rule', rule, 'rule_id', rule_id, 'rule_version', version, 'step', step, 'at', at, 'in_app', in_app,
                'seen_at', seen_at, 'read_at', read_at, 'deleted_at', deleted_at, 'acknowledged_at', acknowledged_at,
                'resolved_at', resolved_at, 'expires_at', expires_at, 'deliveries', deliveries) order by id),
           string_agg(pg_catalog.format('rule %s%s%s on %s: %s', rule, coalesce(' (version ' || version || ')', ''),
                case when step > 0 then pg_catalog.format(', by step %s of its escalation,', step) else '' end, neurolink_said(at),
                coalesce(said, 'on no channel')), '; ' order by id),
           string_agg(reached, ' ')
      into v_told, v_said, v_reached
      from each;
    -- What other rules would have told them, and didn't (yet).
    select string_agg(w.answer, ' ') , pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('rule', w.rule, 'code', w.code, 'answer', w.answer))
      into v_besides, v_withheld
      from neurolink_said_withheld(v_event, v_user, '{}') w
     where v_told is null or not exists (
           select from pg_catalog.jsonb_array_elements(v_told) t
            where t ->> 'rule' = w.rule
               or (t ->> 'rule_id')::bigint in (select v.rule_id from neurolink_rule_versions v where v.name = w.rule));
    if v_withheld is not null then
        facts := facts || pg_catalog.jsonb_build_object('withheld', v_withheld);
    end if;
    if v_told is not null then
        v_said := v_said || coalesce('. Besides: ' || rtrim(v_besides, '.'), '');
        facts := facts || pg_catalog.jsonb_build_object('told', v_told);
        if v_reached ~ 'yes' then
            code := 'told';
            answer := pg_catalog.format('Yes: %s was told of event %s by %s.', v_user, v_event, v_said);
        elsif v_reached ~ 'pending' then
            code := 'under_way';
            answer := pg_catalog.format('Not yet: %s was chosen for event %s by %s.', v_user, v_event, v_said);
        elsif v_reached ~ 'dead' then
            code := 'undelivered';
            answer := pg_catalog.format('No: %s was chosen for event %s by %s.', v_user, v_event, v_said);
        else
            code := 'suppressed';
            answer := pg_catalog.format('No: %s was chosen for event %s by %s.', v_user, v_event, v_said);
        end if;
        return next;
        return;
    end if;

    if v_outcome.event_id is null then
        -- What is evaluated alone, or again, is few: the claim's index knows where it stands. The rest waits its turn.
        select * into v_job from neurolink_jobs j
         where j.kind = 'event' and j.channel in ('single', 'replay') and j.ref_id = v_event limit 1;
        select * into v_pause from neurolink_pauses p where p.kind = 'event' limit 1;
        if v_pause.kind is not null then
            code := 'paused';
            answer := pg_catalog.format('Not yet: event %s waits, since the evaluation of events was paused by %s on %s%s.', v_event,
                v_pause.paused_by, neurolink_said(v_pause.paused_at), coalesce(' (' || v_pause.reason || ')', ''));
        else
            code := 'waiting';
            answer := pg_catalog.format('Not yet: event %s waits to be evaluated%s.', v_event,
                case when v_job.attempt > 0 then pg_catalog.format(' again, after %s failed attempts (%s)', v_job.attempt, v_job.last_error)
                     else '' end);
        end if;
        return next;
        return;
    elsif v_outcome.error is not null then
        code := 'failed';
        answer := pg_catalog.format('No: event %s could not be evaluated, and was given up: %s. Once the cause is mended, a replay evaluates it again.',
            v_event, rtrim(v_outcome.error, '.'));
        return next;
        return;
    elsif v_outcome.suppressed @> '[{"reason": "muted"}]' then
        code := 'muted';
        answer := pg_catalog.format('No: event %s came in while its import was muted; a replay evaluates it.', v_event);
        return next;
        return;
    end if;

    select w.code, w.answer into code, answer from neurolink_said_withheld(v_event, v_user, '{}') w limit 1;
    if code is not null then
        return next;
        return;
    end if;

    select true, coalesce(d.is_active::text::boolean, true) into v_known, v_active
      from neurolink_directory d where d.id::text = v_user;
    facts := facts || pg_catalog.jsonb_build_object('person', pg_catalog.jsonb_build_object('id', v_user, 'is_known', coalesce(v_known, false),
                                                                      'is_active', v_active));
    if v_known is null then
        code := 'unknown_person';
        answer := pg_catalog.format('No: there is nobody with the id %s in the directory.', v_user);
    elsif not v_active then
        code := 'inactive_person';
        answer := pg_catalog.format('No: %s is not active in the directory, and inactive people are told nothing.', v_user);
    else
        is_complete := false;
        if v_outcome.rules_matched = 0 then
            code := 'no_rule_matched';
            answer := pg_catalog.format('No: when event %s was evaluated, on %s, no rule was true for it.', v_event,
                neurolink_said(coalesce(v_outcome.replayed_at, v_outcome.evaluated_at)));
        else
            code := 'not_recipient';
            answer := pg_catalog.format('No: %s true for event %s, and %s told %s of it.',
                case v_outcome.rules_matched when 1 then 'one rule was' else v_outcome.rules_matched || ' rules were' end,
                v_event, case v_outcome.rules_matched when 1 then 'it has not' else 'none of them has' end, v_user);
        end if;
        select string_agg(distinct s.one ->> 'rule', ', ') into v_besides
          from pg_catalog.jsonb_array_elements(case pg_catalog.jsonb_typeof(v_outcome.suppressed) when 'array' then v_outcome.suppressed
                                               else '[]' end) as s (one)
         where neurolink_said_of_more(s.one);
        if v_besides is not null then
            answer := answer || pg_catalog.format(' More people than are named here were not told, or not yet, by: %s.', v_besides);
        end if;
        answer := answer || pg_catalog.format(' `neurolink why --event %s --user %s` knows which rules, and why not.', v_event, v_user);
    end if;
    return next;
end $$;
comment on function neurolink_explain(bigint, text) is
    'Why a person was told of an event, or not: select answer from neurolink_explain(42, ''ali''). From stored facts alone; is_complete = false where `neurolink why`, which evaluates rules, knows more';
revoke execute on function neurolink_explain(bigint, text) from public;
