-- Whom an event told, rule by rule: a few of each, and how many. The rules are found by a loose scan of the unique key, since an
-- event may have told very many.
-- $1 event bigint, $2 rules at most bigint, $3 people shown of each bigint, $4 people counted of each bigint
-- One row a notification that is shown.
with recursive rules as (
    (select n.rule_id, 1::bigint as nth from neurolink_notifications n where n.event_id = $1 order by n.rule_id limit 1)
    union all
    select x.rule_id, r.nth + 1
      from rules r
     cross join lateral (select n.rule_id from neurolink_notifications n
                          where n.event_id = $1 and n.rule_id > r.rule_id order by n.rule_id limit 1) x
     where r.nth < $2
), counted as materialized (
    select r.rule_id,
           (select count(*) from (select from neurolink_notifications c where c.event_id = $1 and c.rule_id = r.rule_id limit $4) c) as told
      from rules r
)
select r.rule_id, r.told,
       n.id, n.user_id, n.rule_version, n.step, n.in_app, n.title, n.created_at, n.seen_at, n.read_at, n.archived_at, n.deleted_at,
       n.acknowledged_at, n.resolved_at, n.expires_at
  from counted r
 cross join lateral (
       select * from neurolink_notifications
        where event_id = $1 and rule_id = r.rule_id order by user_id, step limit $3) n
 order by r.rule_id, n.user_id, n.step
