-- Everybody who follows one of these entities.
-- $1 entity type text[], $2 entity id text[] (of one length)
-- One row a follower and entity: entity_type, entity_id, user_id.
select f.entity_type, f.entity_id, f.user_id
  from unnest($1::text[], $2::text[]) as e (entity_type, entity_id)
  join neurolink_followers f on f.entity_type = e.entity_type collate "C" and f.entity_id = e.entity_id collate "C"
