-- Counts what was held back, in the order of rules, so that of two batches none waits for the other.
-- $1 rule bigint[], $2 how many more bigint[]
with ordered as materialized (
    select rule_id from neurolink_rule_holds where rule_id = any ($1) order by rule_id for update
)
update neurolink_rule_holds h
   set held_count = h.held_count + g.more, last_held_at = now()
  from unnest($1::bigint[], $2::bigint[]) as g (rule_id, more)
  join ordered o on o.rule_id = g.rule_id
 where h.rule_id = o.rule_id
