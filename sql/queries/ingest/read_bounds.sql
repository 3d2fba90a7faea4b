-- A time's ids, a quarter of an hour wider on both sides: received_at is the start of a transaction and the id is taken later.
-- $1 from timestamptz or null, $2 to timestamptz or null
-- One row: ids from low (0 = all) to below high (null = all).
select case when $1::timestamptz is null then 0 else neurolink_event_id_at($1 - interval '15 minutes') end as low,
       case when $2::timestamptz is not null then neurolink_event_id_at($2 + interval '15 minutes') end as high
