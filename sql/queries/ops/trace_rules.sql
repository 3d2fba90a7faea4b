-- The rules of today that could concern an event, by module and pattern, and those that once told somebody of it.
-- $1 source_module text, $2 event_type text, $3 rules that told somebody bigint[], $4 limit bigint
-- One row a rule, in the order of evaluation, each with how many there are and how many rules there are at all (one row of nulls beside
-- these numbers when there is none).
select r.*, (select count(*) from neurolink_notification_rules) as every
  from (select 1) as one
  left join lateral (
       select r.id, r.version, r.name, r.source_module, r.event_type_pattern, r.conditions::text as conditions,
              r.notification_template::text as notification_template, r.priority, r.enabled,
              f.kind as fault_kind, f.place as fault_place, f.detail as fault_detail, count(*) over () as concerned
         from neurolink_notification_rules r
         left join neurolink_rule_faults f on f.rule_id = r.id and f.version = r.version
        where r.id = any ($3::bigint[])
           or (r.source_module is null or r.source_module = $1)
              and (r.event_type_pattern in ('*', $2)
                   or r.event_type_pattern like '%.*' and starts_with($2, left(r.event_type_pattern, -1)))
        order by r.priority desc, r.id
        limit $4) r on true
