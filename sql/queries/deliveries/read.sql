-- Deliveries by id, newest first, with where they came from and whether one is being sent.
-- $1 id bigint[], $2 the caller's branches text[] (null = all)
-- One row a delivery that is there for the caller.
select d.id, d.notification_id, n.event_id, d.user_id, n.branch_id, d.channel, d.status,
       j.claimed_by is not null and j.run_at > now() as running,
       case when j.claimed_by is null then j.run_at end as next_attempt_at, d.deferred_by,
       d.address, d.attempts, d.provider, d.provider_message_id, d.last_error, d.created_at, d.sent_at, d.delivered_at, d.ended_at
  from neurolink_delivery_log d
  left join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id
  left join lateral (
       select claimed_by, run_at from neurolink_jobs
        where kind = 'delivery' and ref_id = d.id order by id limit 1) j on true
 where d.id = any ($1)
   and ($2::text[] is null or (n.id is not null and (n.branch_id is null or n.branch_id = any ($2))))
 order by d.id desc
