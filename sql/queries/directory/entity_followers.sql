-- A page of who follows an entity, by their ids.
-- $1 entity type text, $2 entity id text, $3 after this user text, $4 limit bigint
-- One row a follower: user_id, since.
select f.user_id, f.since
  from neurolink_followers f
 where f.entity_type = $1 and f.entity_id = $2 and f.user_id > $3
 order by f.user_id
 limit $4
