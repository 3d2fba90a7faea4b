-- Whose managers these are, whether they are active or not: somebody who has left still has a manager to be told.
-- $1 user id text[]
-- One row a person who has a manager: id, manager_id.
select d.id::text as id, d.manager_id::text as manager_id
  from neurolink_directory d
 where d.id::text = any ($1::text[]) and d.manager_id is not null
