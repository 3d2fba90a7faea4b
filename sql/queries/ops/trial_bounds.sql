-- The window of a backtest: its end, and the ids that its events stand between, a quarter of an hour wider on both sides: received_at
-- is the start of a transaction and the id is taken later. What comes after this is of no window.
-- $1 from timestamptz, $2 to timestamptz (null = now)
-- One row: ids from low to below high.
select coalesce($2::timestamptz, now()) as until, neurolink_event_id_at($1::timestamptz - interval '15 minutes') as low,
       least(coalesce(neurolink_event_id_at($2::timestamptz + interval '15 minutes'), 9223372036854775807),
             coalesce((select max(id) from neurolink_events), 0) + 1) as high
