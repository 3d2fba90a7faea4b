-- New notifications: moves each inbox on by as many revisions as it gets, counts them unread and unseen, and writes the
-- rows with a revision of their own each. Those not in the inbox (place 0) get none and count nowhere. A missing inbox leaves
-- rev null, which the table refuses, and so fails the batch.
-- Inboxes: $1 user text[], $2 how many int[]
-- Notifications: $3 id bigint[], $4 user text[], $5 1-based place among the user's (0 = not in the inbox) int[], $6 event bigint[], $7 rule bigint[],
--   $8 rule version int[], $9 source_module text[], $10 event_type text[], $11 entity_type text[], $12 entity_id text[],
--   $13 branch_id text[], $14 category text[], $15 severity text[], $16 locale text[], $17 title text[], $18 body text[],
--   $19 action_url text[], $20 action_label text[], $21 step smallint[], $22 expires_at timestamptz[]
with moved as (
    update neurolink_inboxes i
       set rev = i.rev + c.n, unread_count = i.unread_count + c.n, unseen_count = i.unseen_count + c.n
      from unnest($1::text[], $2::int[]) as c (user_id, n)
     where i.user_id = c.user_id
    returning i.user_id, i.rev - c.n as base
)
insert into neurolink_notifications
       (id, user_id, in_app, rev, event_id, rule_id, rule_version, source_module, event_type, entity_type, entity_id, branch_id,
        category, severity, locale, title, body, action_url, action_label, step, expires_at)
overriding system value
select g.id, g.user_id, g.nth > 0, case when g.nth > 0 then m.base + g.nth end, g.event_id, g.rule_id, g.rule_version, g.source_module, g.event_type, g.entity_type,
       g.entity_id, g.branch_id, g.category, g.severity, g.locale, g.title, g.body, g.action_url, g.action_label, g.step,
       g.expires_at
  from unnest($3::bigint[], $4::text[], $5::int[], $6::bigint[], $7::bigint[], $8::int[], $9::text[], $10::text[], $11::text[],
              $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[],
              $21::smallint[], $22::timestamptz[])
       as g (id, user_id, nth, event_id, rule_id, rule_version, source_module, event_type, entity_type, entity_id, branch_id,
             category, severity, locale, title, body, action_url, action_label, step, expires_at)
  left join moved m on m.user_id = g.user_id
