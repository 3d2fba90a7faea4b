-- One notification of one person, unless deleted.
-- $1 user text, $2 notification bigint
select n.*, v.name as rule
  from neurolink_notifications n
  left join neurolink_rule_versions v on v.rule_id = n.rule_id and v.version = n.rule_version
 where n.user_id = $1 and n.id = $2 and n.in_app and n.deleted_at is null
