-- What of notifications waits to be sent is cancelled, because nobody needs it any more: what it spoke of is settled, or past.
--
-- One that is being sent at this moment stays with its sender, and ends as it does; should it be tried again, that claim cancels it
-- (claim_deliveries.sql says what of its notification is so). A job that somebody holds is passed over, not waited for. Jobs are
-- locked before deliveries, and those in the order of their ids, as a retry and record.sql do.
create or replace function neurolink_withdraw(notification_ids bigint[], reason text) returns bigint
language sql security definer set search_path = @schema@, pg_temp as $$
    with waiting as materialized (
        select j.id, j.ref_id
          from (select distinct g as id from unnest($1) g) n
         cross join lateral (
               select id, ref_id from neurolink_jobs
                where kind = 'delivery' and ref_id between n.id * 32 and n.id * 32 + 31 and claimed_by is null
                  for update skip locked) j
    ), freed as (
        delete from neurolink_jobs where id = any (array (select id from waiting)) returning ref_id
    ), ordered as materialized (
        select d.id from neurolink_delivery_log d
         where d.id = any (array (select ref_id from freed)) and d.status = 'pending'
         order by d.id
           for update
    ), cancelled as (
        update neurolink_delivery_log d
           set status = 'cancelled', ended_at = now(), last_error = $2
          from ordered o where d.id = o.id
        returning d.id
    )
    select count(*) from cancelled
$$;
comment on function neurolink_withdraw(bigint[], text) is
    'Cancels what of notifications waits to be sent, and says how much that was; the pipeline''s';
revoke execute on function neurolink_withdraw(bigint[], text) from public;
