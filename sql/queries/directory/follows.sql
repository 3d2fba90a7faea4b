-- A page of what somebody follows, by type and id.
-- $1 user text, $2 after this entity type text, $3 after this entity id text, $4 entity type or null, $5 entity id or null,
-- $6 limit bigint
-- One row an entity: entity_type, entity_id, since.
select f.entity_type, f.entity_id, f.since
  from neurolink_followers f
 where f.user_id = $1 and (f.entity_type, f.entity_id) > ($2::text, $3::text)
   and ($4::text is null or f.entity_type = $4)
   and ($5::text is null or f.entity_id = $5)
 order by f.entity_type, f.entity_id
 limit $6
