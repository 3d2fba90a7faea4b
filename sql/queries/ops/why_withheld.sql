-- Why rules that are for a person haven't told them of an event, or not yet, from the event's outcome; or because they wait for the
-- others of very many.
-- $1 event bigint, $2 user text, $3 rule bigint[]
-- At most one row: code, answer
select code, answer from (
    select 0 as nth, w.code, w.answer from neurolink_said_withheld($1, $2, $3) w
    union all
    select 1, 'waiting', r.answer from neurolink_said_rest($1, $2, $3) as r (answer) where r.answer is not null) a
 order by nth limit 1
