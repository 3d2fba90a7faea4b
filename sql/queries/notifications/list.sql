-- A page of an inbox, newest first. No index serves these filters: a bounded stretch below the cursor is walked by primary key, and
-- the caller goes on below its end.
-- $1 user text, $2 only below this id bigint, $3 read boolean (null = both), $4 archived boolean (null = both),
-- $5 severity text, $6 category text, $7 source_module text (null = any), $8 limit bigint, $9 notifications walked at most bigint,
-- $10 snoozed boolean (those alone, or none of them), $11 resolved boolean (null = both)
-- One row a notification.
select n.*, v.name as rule
  from (select * from neurolink_notifications
         where user_id = $1 and id < $2
         order by id desc limit $9) n
  left join neurolink_rule_versions v on v.rule_id = n.rule_id and v.version = n.rule_version
 where n.in_app and n.deleted_at is null
   and ($3::boolean is null or (n.read_at is not null) = $3)
   and ($4::boolean is null or (n.archived_at is not null) = $4)
   and (n.snoozed_until is not null) = $10::boolean
   and ($11::boolean is null or (n.resolved_at is not null) = $11)
   and ($5::text is null or n.severity = $5)
   and ($6::text is null or n.category = $6)
   and ($7::text is null or n.source_module = $7)
 order by n.id desc
 limit $8
