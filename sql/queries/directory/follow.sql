-- Makes somebody follow an entity. Writes, by a function, which also says it to the audit log where somebody else does it.
-- $1 user text, $2 entity type text, $3 entity id text
-- One row: followed (true: now; false: they did already; null: they follow too much)
select neurolink_follow($1, $2, $3) as followed
