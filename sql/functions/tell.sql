-- Telling somebody something directly, without an event or a rule: `POST /v1/notifications` and a DBA's psql do the same.
--   select neurolink_tell('ali', 'The server restarts at 22:00');
--   select * from neurolink_tell_people('{ali,nadia}', '{"title": {"en": "Stock-taking on Thursday", "ar": "الجرد يوم الخميس"}, "channels": ["in_app", "email"]}');

-- A text as it is for a reader: itself, or of {"en": …, "ar": …} theirs, their language's, English, any.
create or replace function neurolink_text_for(texts jsonb, locale text) returns text
language sql immutable set search_path = @schema@, pg_temp as $$
    select case pg_catalog.jsonb_typeof(texts)
           when 'string' then texts operator(pg_catalog.#>>) '{}'
           when 'object' then coalesce(texts operator(pg_catalog.->>) locale,
                                       texts operator(pg_catalog.->>) pg_catalog.split_part(locale, '-', 1),
                                       texts operator(pg_catalog.->>) 'en',
                                       (select v.value from pg_catalog.jsonb_each_text(texts) v order by v.key limit 1))
           end
$$;
comment on function neurolink_text_for(jsonb, text) is 'A text, or the one of {"en": …, "ar": …} that suits a locale';
revoke execute on function neurolink_text_for(jsonb, text) from public;

-- Message: title (a text, or one a language), body, severity, category, action_url, action_label, channels, mandatory; all but title
-- optional. What interrupts waits for the end of quiet hours, unless it is critical or mandatory. Gives a row per person and channel; people whom the directory doesn't show as active have none. Sent twice, it tells twice. The API
-- tells open tabs at once; what a DBA tells, the nodes' sweeps show within 5 s: a NOTIFY in here would hold the server's lock at commit.
create or replace function neurolink_tell_people(user_ids text[], message jsonb)
    returns table (user_id text, notification_id bigint, channel text, status text, reason text)
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_users text[];
    v_channels text[];
    v_category text := coalesce(message ->> 'category', 'general');
    v_mandatory boolean := coalesce((message ->> 'mandatory')::boolean, false);
    v_url text := message ->> 'action_url';
    v_wrong text;
begin
    select k into v_wrong from jsonb_object_keys(message) k
     where k <> all ('{title,body,severity,category,action_url,action_label,channels,mandatory}');
    if v_wrong is not null then
        raise exception 'neurolink_tell_people: a message has no "%"', v_wrong using errcode = 'invalid_parameter_value',
            hint = 'It has title, body, severity, category, action_url, action_label, channels, mandatory.';
    elsif coalesce(neurolink_text_for(message -> 'title', 'en'), '') = '' then
        raise exception 'neurolink_tell_people: a message needs a title' using errcode = 'invalid_parameter_value';
    elsif v_url !~ '^(/([^/\\]|$)|https?://[^/[:space:]])' or v_url ~ '[[:cntrl:]]' then
        raise exception 'neurolink_tell_people: action_url is neither relative nor http(s)' using errcode = 'invalid_parameter_value';
    end if;
    select array_agg(distinct c) into v_channels from jsonb_array_elements_text(coalesce(message -> 'channels', '["in_app"]')) c;
    select c into v_wrong from unnest(v_channels) c
     where c <> all ('{in_app,email,sms,whatsapp,telegram,slack,web_push,webhook}');
    if v_wrong is not null or v_channels is null then
        raise exception 'neurolink_tell_people: there is no channel "%"', v_wrong using errcode = 'invalid_parameter_value';
    end if;

    select array_agg(distinct d.id::text) into v_users
      from neurolink_directory d
     where d.id::text = any (user_ids) and coalesce(d.is_active::text::boolean, true);
    if v_users is null then
        return;
    end if;
    insert into neurolink_inboxes (user_id) select u from unnest(v_users) u order by u collate "C" on conflict (user_id) do nothing;
    perform 1 from neurolink_inboxes i where i.user_id = any (v_users) order by i.user_id collate "C" for update;

    return query
    with people as materialized (
        select distinct on (d.id::text) d.id::text collate "C" as id, coalesce(d.display_name::text, d.id::text) as name,
               coalesce(d.locale::text, 'en') as locale, d.email::text as email, d.phone::text as phone,
               d.telegram_chat_id::text as telegram, d.slack_user_id::text as slack, coalesce(f.channels, '{}') as wishes,
               case when not v_mandatory and coalesce(message ->> 'severity', 'info') <> 'critical' and f.quiet_hours is not null
                    then neurolink_quiet_until(f.quiet_hours, coalesce(d.timezone::text, 'UTC'), now()) end as quiet_until,
               nextval(pg_get_serial_sequence('neurolink_notifications', 'id')) as nid
          from neurolink_directory d
          left join neurolink_user_preferences f on f.user_id = d.id::text
         where d.id::text = any (v_users)
         order by d.id::text
    ), planned as materialized (
        select p.id, p.nid, p.name, c.channel, case when c.channel not in ('in_app', 'webhook') then p.quiet_until end as not_before, nullif(btrim(a.address), '') as address,
               case when not (v_mandatory or coalesce(
                             case jsonb_typeof(p.wishes -> v_category -> c.channel) when 'boolean' then (p.wishes -> v_category ->> c.channel)::boolean end,
                             case jsonb_typeof(p.wishes -> '*' -> c.channel) when 'boolean' then (p.wishes -> '*' ->> c.channel)::boolean end,
                             true)) then 'preference'
                    when c.channel = 'in_app' then null
                    when exists (select from neurolink_workers w where w.works)
                         and not exists (select from neurolink_workers w
                                          where w.works and (w.channels is null or c.channel = any (w.channels))) then 'not_configured'
                    when nullif(btrim(a.address), '') is null then 'no_address' end as reason,
               p.nid * 32 + array_position('{in_app,email,sms,whatsapp,telegram,slack,web_push,webhook}'::text[], c.channel) - 1 as delivery
          from people p
         cross join unnest(v_channels) as c (channel)
         cross join lateral (select case c.channel when 'email' then p.email when 'sms' then p.phone when 'whatsapp' then p.phone
                                                   when 'telegram' then p.telegram when 'slack' then p.slack end as address) a
    ), boxed as (
        update neurolink_inboxes i
           set rev = i.rev + 1, unread_count = i.unread_count + 1, unseen_count = i.unseen_count + 1
          from planned d
         where d.channel = 'in_app' and d.reason is null and i.user_id = d.id
        returning i.user_id, i.rev
    ), written as (
        insert into neurolink_notifications
               (id, user_id, in_app, rev, category, severity, locale, title, body, action_url, action_label)
        overriding system value
        select p.nid, p.id, b.rev is not null, b.rev, v_category, coalesce(message ->> 'severity', 'info'), p.locale,
               neurolink_text_for(message -> 'title', p.locale), coalesce(neurolink_text_for(message -> 'body', p.locale), ''), v_url,
               neurolink_text_for(message -> 'action_label', p.locale)
          from people p
          left join boxed b on b.user_id = p.id
    ), logged as (
        insert into neurolink_delivery_log
               (id, notification_id, user_id, channel, status, address, display_name, last_error, delivered_at, ended_at, deferred_by)
        select d.delivery, d.nid, d.id, d.channel, s.status, d.address, case when d.channel <> 'in_app' then d.name end, d.reason,
               case s.status when 'delivered' then now() end, case s.status when 'pending' then null else now() end,
               case when s.status = 'pending' and d.not_before is not null then 'quiet_hours' end
          from planned d
         cross join lateral (select case when d.reason is not null then 'suppressed' when d.channel = 'in_app' then 'delivered'
                                         else 'pending' end as status) s
    ), queued as (
        insert into neurolink_jobs (kind, channel, ref_id, lane, run_at)
        select 'delivery', d.channel, d.delivery, 1, coalesce(d.not_before, now()) from planned d where d.reason is null and d.channel <> 'in_app'
    )
    select d.id, d.nid, d.channel,
           case when d.reason is not null then 'suppressed' when d.channel = 'in_app' then 'delivered' else 'pending' end, d.reason
      from planned d
     order by d.id, d.delivery;

    perform neurolink_audit('notification.told', 'user',
                            v_users[1] || case when cardinality(v_users) > 1 then ' and ' || cardinality(v_users) - 1 || ' more' else '' end,
                            null, jsonb_build_object('users', to_jsonb(v_users), 'message', message - 'body'));
end $$;
comment on function neurolink_tell_people(text[], jsonb) is
    'Tell people something directly: {"title", "body", "severity", "category", "action_url", "action_label", "channels", "mandatory"}. A row per person and channel';
revoke execute on function neurolink_tell_people(text[], jsonb) from public;

-- One person, one line: what a DBA types. Gives the notification's id; null when the directory doesn't show them as active.
create or replace function neurolink_tell(user_id text, title text, body text default '') returns bigint
language sql security definer set search_path = @schema@, pg_temp as $$
    select max(t.notification_id) from neurolink_tell_people(array[$1], jsonb_build_object('title', $2, 'body', $3)) t
$$;
comment on function neurolink_tell(text, text, text) is 'Tell one person something in their inbox: select neurolink_tell(''ali'', ''The server restarts at 22:00'')';
revoke execute on function neurolink_tell(text, text, text) from public;
