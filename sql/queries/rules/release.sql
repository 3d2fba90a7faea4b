-- Lets a held rule go on (sql/functions/holds.sql).
-- $1 rule bigint
-- One row: whether it was held.
select neurolink_release_rule($1) as released
