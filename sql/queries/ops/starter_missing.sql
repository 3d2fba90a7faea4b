-- Which of these rules' names aren't there yet. Asked first, because an insert of no rows would still fire the statement
-- trigger that makes every node reload its rules.
-- $1 text: a JSON array of rules, each with a name
-- rows: name text
select s.name
  from jsonb_to_recordset($1::text::jsonb) as s (name text)
 where not exists (select from neurolink_notification_rules r where r.name = s.name)
