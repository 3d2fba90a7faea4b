-- Ends that somebody follows an entity. Writes, by a function, as follow.sql does.
-- $1 user text, $2 entity type text, $3 entity id text
-- One row: followed (whether they did)
select neurolink_unfollow($1, $2, $3) as followed
