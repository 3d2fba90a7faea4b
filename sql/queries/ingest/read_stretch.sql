-- Where the walk of a page without enough events has ended.
-- $1 only below this id bigint, $2 not below this id bigint, $3 events walked at most bigint
-- One row: how many there were, and the lowest of them (null = none).
select count(*) as walked, min(id) as lowest
  from (select id from neurolink_events where id < $1 and id >= $2 order by id desc limit $3) e
