-- Every enabled rule whose present version has no fault found at run time, and the revision they are of.
-- One row a rule (one row of nulls when there is none).
select (select value::bigint from neurolink_meta where key = 'rules_rev') as rev,
       r.id, r.name, r.source_module, r.event_type_pattern, r.conditions::text as conditions,
       r.notification_template::text as notification_template, r.priority, r.version,
       exists (select from neurolink_rule_holds h where h.rule_id = r.id and h.version = r.version) as is_held
  from (select 1) as one
  left join neurolink_notification_rules r
    on r.enabled and not exists (
       select from neurolink_rule_faults f where f.rule_id = r.id and f.version = r.version and f.kind = 'watchdog')
 order by r.priority desc, r.id
