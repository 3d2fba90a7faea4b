-- Only the first people are told anything.
-- $1 how many int
update neurolink_users set is_active = substr(id, 2)::int <= $1::int
