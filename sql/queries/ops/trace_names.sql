-- What rules were called that are gone.
-- $1 rule bigint[]
-- One row a rule, by its last version.
select distinct on (rule_id) rule_id, name, version
  from neurolink_rule_versions
 where rule_id = any ($1)
 order by rule_id, version desc
