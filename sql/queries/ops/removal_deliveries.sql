-- Cancels the pending deliveries of notifications, with their jobs, and empties what was kept to be sent. One that is being sent right
-- now stays with its sender: it ends as sent, or its next claim finds the notification deleted and cancels it.
-- $1 notification bigint[]
-- One row: how many were cancelled, and how many are being sent.
with every as (
    select d.id, d.status
      from unnest($1::bigint[]) as n (id)
      join neurolink_delivery_log d on d.id between n.id * 32 and n.id * 32 + 31
), pending as (
    select id from every where status = 'pending'
), freed as (
    delete from neurolink_jobs
     where kind = 'delivery' and ref_id = any (array (select id from pending)) and claimed_by is null
    returning ref_id
), cancelled as (
    -- Asks what was freed first: jobs are locked before deliveries, as everywhere. What a claim took meanwhile isn't among it.
    update neurolink_delivery_log d
       set status = 'cancelled', ended_at = now(), last_error = 'its event was deleted', content = null
     where d.id = any (array (
           select ref_id from freed
            union all
           select p.id from pending p where not exists (
                  select from neurolink_jobs j where j.kind = 'delivery' and j.ref_id = p.id)))
       and d.status = 'pending'
    returning d.id
), emptied as (
    update neurolink_delivery_log d set content = null
     where d.id = any (array (select id from every where status <> 'pending')) and d.content is not null
)
select (select count(*) from cancelled) as cancelled, (select count(*) from pending) - (select count(*) from cancelled) as under_way
