-- The deliveries of notifications, each with its last attempts.
-- $1 notification bigint[], $2 attempts of each bigint
-- One row an attempt, in order, or one without for a delivery that was never tried.
select d.notification_id, d.id, d.channel, d.status, d.attempts, d.provider, d.address, d.last_error, d.created_at, d.sent_at, d.delivered_at, d.ended_at,
       d.deferred_by, (select j.run_at from neurolink_jobs j
                        where d.status = 'pending' and j.kind = 'delivery' and j.ref_id = d.id and j.claimed_by is null
                        order by j.id limit 1) as next_attempt_at,
       a.attempt, a.started_at, a.finished_at, a.outcome, a.error
  from unnest($1::bigint[]) as n (id)
  join lateral (select * from neurolink_delivery_log where id between n.id * 32 and n.id * 32 + 31 order by id offset 0) d on true
  left join lateral (
       select * from neurolink_delivery_attempts where delivery_id = d.id order by attempt desc limit $2) a on true
 order by d.id, a.attempt
