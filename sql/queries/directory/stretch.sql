-- Where the walk of a page without enough people has ended.
-- $1 after this id text, $2 people walked at most bigint
-- One row: how many there were, and the last of them (null = none).
select count(*) as walked, max(id collate "C") as last
  from (select id::text as id from neurolink_directory
         where id::text collate "C" > $1::text
         order by id::text collate "C" limit $2) d
