-- Why rules that are for a person haven't told them of an event, or not yet, from the event's outcome.
-- $1 event bigint, $2 user text, $3 rule bigint[]
-- At most one row: code, answer, rule (its name then)
select code, answer, rule from neurolink_said_withheld($1, $2, $3) limit 1
