-- What stored facts say of an event and a person.
-- $1 event bigint, $2 user text
-- One row.
select code, answer, is_complete, facts::text as facts from neurolink_explain($1, $2)
