-- What a shadow rule would have told, newest event first: of at most two thousand of its matches, those of events that the caller sees.
-- $1 rule bigint, $2 only below this event bigint, $3 the caller's branches text[] (null = all), $4 at most bigint
-- One row a match, and at least one: event_id (null in a row without), event_type, branch_id, occurred_at, rule_version, recipients,
--   users, matched_at; and in each row how many were looked at and the lowest event of them
with looked as (
    select event_id, rule_version, recipients, users, matched_at from neurolink_shadow_matches
     where rule_id = $1 and event_id < $2
     order by event_id desc limit 2000
)
select m.event_id, m.event_type, m.branch_id, m.occurred_at, m.rule_version, m.recipients, m.users, m.matched_at, w.looked, w.lowest
  from (select count(*) as looked, min(event_id) as lowest from looked) w
  left join lateral (
       select l.*, e.event_type, e.branch_id, e.occurred_at
         from looked l join neurolink_events e on e.id = l.event_id
        where $3::text[] is null or e.branch_id is null or e.branch_id = any ($3)
        order by l.event_id desc limit $4) m on true
 order by m.event_id desc
