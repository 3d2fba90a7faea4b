-- Where the walk of a page without enough notifications has ended.
-- $1 user text, $2 only below this id bigint, $3 notifications walked at most bigint
-- One row: how many there were, and the lowest of them (null = none).
select count(*) as walked, min(id) as lowest
  from (select id from neurolink_notifications where user_id = $1 and id < $2 order by id desc limit $3) n
