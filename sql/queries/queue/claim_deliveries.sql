-- Claims delivery jobs under a lease: the attempt is counted, run_at moves to the lease's end, and a lease that had run
-- out leaves its attempt recorded as lost.
-- $1 channel text[], $2 lane smallint[], $3 most int[], $4 start run_at timestamptz[], $5 start id bigint[]: one entry a
--    channel and lane; $6 the claiming worker uuid, $7 lease in milliseconds bigint
-- One row a job, with its delivery and its notification (null where deleted).
with due as materialized (
    select j.ctid as place, j.id, j.claimed_by as previous, j.run_at as was_due
      from unnest($1::text[], $2::smallint[], $3::int[], $4::timestamptz[], $5::bigint[]) as l (channel, lane, most, start_at, start_id)
     cross join lateral (
           select ctid, id, claimed_by, run_at from neurolink_jobs
            where kind = 'delivery' and channel = l.channel and lane = l.lane
              and run_at <= now() and (run_at, id) >= (l.start_at, l.start_id)
            order by run_at, id limit l.most
              for update skip locked) j
     where not exists (select from neurolink_pauses p where p.kind = 'delivery' and p.channel in ('', l.channel))
), claimed as (
    update neurolink_jobs
       set attempt = attempt + 1, claimed_by = $6, run_at = now() + $7::bigint * interval '1 millisecond'
     where ctid = any (array (select place from due))
    returning id, ref_id, channel, lane, attempt, max_attempts
), lost as (
    insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome, error)
    select c.ref_id, c.attempt - 1, due.previous, now(), 'lost', 'its lease ran out before an outcome was recorded'
      from claimed c join due using (id) where due.previous is not null
    on conflict (delivery_id, attempt) do nothing
)
select c.id as job_id, c.ref_id, c.channel, c.lane, c.attempt, c.max_attempts, due.was_due,
       d.status, d.address, d.display_name, d.content::text as content, d.user_id, d.notification_id,
       n.locale, n.title, n.body, n.action_url, n.action_label, n.severity, n.created_at,
       n.deleted_at is not null as is_deleted, n.resolved_at is not null as is_resolved, n.expires_at <= now() as is_expired
  from claimed c
  join due using (id)
  left join neurolink_delivery_log d on d.id = c.ref_id
  left join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id
