-- The attempts of deliveries: one of what was sent, five of what was given up.
-- $1 from which delivery bigint, $2 to which bigint
insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, finished_at, outcome, error)
select d.id, a.attempt, '00000000-0000-4000-8000-000000000001'::uuid, d.created_at + a.attempt * interval '1 s',
       d.created_at + a.attempt * interval '1 s' + interval '80 ms', case when d.status = 'sent' then 'accepted' else 'transient' end,
       d.last_error
  from neurolink_delivery_log d
 cross join lateral generate_series(1, d.attempts) as a (attempt)
 where d.id between $1 and $2 and d.attempts > 0
