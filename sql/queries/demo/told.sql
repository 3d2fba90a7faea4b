-- What came of some events: everybody who was told by a starter rule, by what, and how far that is.
-- $1 text[], $2 text[]: the events' source modules and idempotency keys, side by side
-- $3 text[]: the starter rules' names; what other rules did is not looked at
-- rows: one per notification and delivery, and one for an event that nobody was told of; in the events' order
select k.ord::integer as ord, e.id as event_id,
       o.event_id is not null as evaluated,
       exists (select from neurolink_dead_jobs j where j.kind = 'event' and j.ref_id = e.id) as given_up,
       o.error, nullif(nullif(o.warnings::text, '[]'), 'null') as warnings,
       n.id as notification_id, n.user_id, n.locale, n.title,
       d.id as delivery_id, d.channel, d.status, d.address, d.last_error
  from unnest($1::text[], $2::text[]) with ordinality as k (source_module, key, ord)
  join neurolink_events e on e.source_module = k.source_module and e.producer_idempotency_key = k.key
  left join neurolink_event_outcomes o on o.event_id = e.id
  left join neurolink_notifications n
         on n.event_id = e.id
        and n.rule_id in (select id from neurolink_notification_rules where name = any ($3::text[]))
  left join neurolink_delivery_log d on d.id between n.id * 32 and n.id * 32 + 31
 order by k.ord, n.user_id, n.id, d.id
