-- Holds a version of a rule that tells too much, and tells its owner (sql/functions/holds.sql).
-- $1 rule bigint, $2 version int, $3 notifications a minute that are allowed int, $4 how many there were bigint,
-- $5 the role of those who are told where nobody owns it text
-- One row: whether we are the first to say so.
select neurolink_hold_rule($1, $2, $3, $4, $5) as held
