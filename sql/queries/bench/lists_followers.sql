-- Followers, for the measurement of lists: u1 follows as much as anybody may, and up to 2 000 people follow one invoice.
-- $1 how many people there are bigint
insert into neurolink_followers (entity_type, entity_id, user_id)
select 'order', n::text, 'u1' from generate_series(1, 10000) as n
union all
select 'invoice', '1', 'u' || n from generate_series(1, least($1::bigint, 2000)) as n
