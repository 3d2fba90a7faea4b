-- Outcomes of attempts, each written only where its fence still holds: job, attempt and worker as claimed.
-- $1 job bigint[], $2 attempt int[], $3 next text[] (done, dead, retry, cancel), $4 wait in ms bigint[] (retry),
-- $5 attempts forgiven int[] (retry after a rate limit), $6 outcome text[] (null = nothing was tried), $7 error text[],
-- $8 provider text[], $9 provider_message_id text[], $10 duration in ms bigint[], $11 worker uuid
-- One row an outcome that was written: its job.
with given as (
    select * from unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::int[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::bigint[])
           as g (job_id, attempt, next, wait_ms, forgiven, outcome, error, provider, provider_message_id, took_ms)
), ended as (
    delete from neurolink_jobs j using given g
     where j.id = g.job_id and j.attempt = g.attempt and j.claimed_by = $11 and g.next <> 'retry'
    returning j.id, j.ref_id
), again as (
    update neurolink_jobs j
       set claimed_by = null, run_at = now() + g.wait_ms * interval '1 millisecond', last_error = g.error,
           max_attempts = j.max_attempts + g.forgiven
      from given g
     where j.id = g.job_id and j.attempt = g.attempt and j.claimed_by = $11 and g.next = 'retry'
    returning j.id, j.ref_id
), held as (
    select g.*, h.ref_id from given g join (select * from ended union all select * from again) h on h.id = g.job_id
), ordered as materialized (
    -- In the order in which a retry of many locks them: two that wait for each other would both fail.
    select d.id from neurolink_delivery_log d
     where d.id = any (array (select ref_id from held)) and d.status = 'pending'
     order by d.id
       for update
), logged as (
    update neurolink_delivery_log d
       set status = case h.next when 'done' then 'sent' when 'dead' then 'dead' when 'cancel' then 'cancelled' else d.status end,
           attempts = case when h.outcome is null then d.attempts else h.attempt end,
           provider = coalesce(h.provider, d.provider),
           provider_message_id = coalesce(h.provider_message_id, d.provider_message_id),
           last_error = case h.next when 'done' then null else coalesce(h.error, d.last_error) end,
           sent_at = case h.next when 'done' then now() else d.sent_at end,
           ended_at = case h.next when 'retry' then null else now() end,
           -- Deleted while it was being sent: its texts go, too.
           content = case when h.next <> 'retry' and d.content is not null and exists (
                               select from neurolink_notifications n
                                where n.user_id = d.user_id and n.id = d.notification_id and n.deleted_at is not null) then null
                          else d.content end
      from held h
      join ordered o on o.id = h.ref_id
     where d.id = h.ref_id and d.status = 'pending'
), tried as (
    insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome, error, provider_message_id)
    select ref_id, attempt, $11, now() - took_ms * interval '1 millisecond', outcome, error, provider_message_id
      from held where outcome is not null
    on conflict (delivery_id, attempt) do nothing
)
select job_id from held
