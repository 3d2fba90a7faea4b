-- Notifications, two for each event there is room for: every second one goes to one of 200 people whose inboxes are very large (the
-- first of them holds one in thirty), the others to everybody else. What is left over was told by the last event that was evaluated,
-- to everybody. Each has a delivery: four of five in the inbox, one by e-mail, of which the newest wait and some few were given up,
-- withheld or cancelled.
-- $1 from which number bigint, $2 to which bigint, $3 how many notifications there will be bigint, $4 how many events were evaluated
-- bigint, $5 people bigint, $6 how many of the newest e-mails wait bigint
with told as (
    insert into neurolink_notifications (id, user_id, in_app, rev, event_id, rule_id, rule_version, source_module, event_type, entity_type,
                                         entity_id, branch_id, category, severity, title, body, action_url, created_at, seen_at, read_at,
                                         archived_at, deleted_at)
    overriding system value
    select m, w.user_id, m % 50 <> 7, case when m % 50 <> 7 then m end, w.event_id, w.rule_id, 1,
           e.source_module, e.event_type, e.entity_type, e.entity_id, e.branch_id,
           case when m <= 2000 then 'rare' else (array['invoices', 'orders', 'stock', 'people', 'general'])[1 + m % 5] end, e.severity,
           case when x.deleted then '' else 'Invoice INV-' || w.event_id || ' is overdue' end,
           case when x.deleted then '' else 'Invoice #INV-' || w.event_id || ' for Al-Rafidain Trading is 12 days overdue. Amount: 1 250 000 IQD' end,
           case when not x.deleted then '/invoices/' || w.event_id end,
           e.received_at + interval '200 ms',
           case when x.read then e.received_at + interval '1 hour' end, case when x.read then e.received_at + interval '2 hours' end,
           case when r.h % 20 = 1 then e.received_at + interval '3 hours' end, case when x.deleted then e.received_at + interval '4 hours' end
      from generate_series($1::bigint, $2::bigint) as m
     cross join lateral (select hashint8(m)::bigint & 1073741823 as h) r
     cross join lateral (
           select case when m > 2 * $4::bigint then $4::bigint
                       else least((m - 1) / 20 * 10 + 4 + (m - 1) % 20 * 7 / 20, $4::bigint - 1) end as event_id,
                  case when m > 2 * $4::bigint then 1 + (m - 2 * $4::bigint - 1) / $5::bigint else 1 + m * 7 % 150 end as rule_id,
                  'u' || case when m > 2 * $4::bigint then 1 + (m - 2 * $4::bigint - 1) % $5::bigint
                              when m % 2 = 1 then 1 + floor(200 * ((r.h % 65536) / 65536.0) ^ 2)::bigint
                              else 201 + r.h % ($5::bigint - 200) end as user_id) w
     cross join lateral (select r.h % 10 > 0 or w.user_id = 'u2' as read, r.h % 100 = 50 as deleted) x
      join neurolink_events e on e.id = w.event_id
    returning id, user_id, created_at
)
insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, address, display_name, attempts, provider,
                                    provider_message_id, last_error, created_at, sent_at, delivered_at, ended_at)
select n.id * 32 + s.email::int, n.id, n.user_id, case when s.email then 'email' else 'in_app' end, s.status,
       case when s.email then n.user_id || '@tsh.example' end, case when s.email then n.user_id end,
       case s.status when 'sent' then 1 when 'dead' then 5 else 0 end, case when s.status in ('sent', 'dead') then 'smtp' end,
       case when s.status = 'sent' then 'm' || n.id end,
       case s.status when 'dead' then 'the server said no' when 'suppressed' then 'preference' end, n.created_at,
       case when s.status = 'sent' then n.created_at + interval '2 s' end, case when s.status = 'delivered' then n.created_at end,
       case when s.status in ('delivered', 'suppressed') then n.created_at when s.status <> 'pending' then n.created_at + interval '2 s' end
  from told n
 cross join lateral (
       select n.id % 5 = 0 as email,
              case when n.id % 5 > 0 then 'delivered' when n.id > $3::bigint - 5 * $6::bigint then 'pending'
                   when n.id % 5000 = 0 then 'dead' when n.id % 500 = 5 then 'suppressed' when n.id % 50000 = 25 then 'cancelled'
                   else 'sent' end as status) s
