-- Retry and cancel of deliveries. API, command and psql all come through here, so there is one place where a delivery returns
-- to the queue.
--
-- Why nothing is sent twice on this account: the delivery's row is locked, and a job is inserted only where none is left. An
-- outcome is written with its job's deletion in one statement (record.sql), so whoever holds the row sees both or neither. A
-- new job has a new id and goes on counting attempts where the last one stopped: no fence of an older claim fits it.
-- Jobs are locked before deliveries, as record.sql does, or the two could wait for each other.

-- Retries deliveries, and says of each what came of it, in the order of ids:
--   queued          it was dead, suppressed, cancelled (or sent, with force), and is pending with a job now
--   hastened        it was pending, and its job is due at once
--   running         it is being sent at this moment: nothing was done
--   sent            it is sent: only with force
--   unwanted        the person has switched it off: only with force
--   not_configured  no worker has settings for its channel
--   no_address      neither the directory nor the delivery has an address
--   gone            an inbox has nothing to send, or the notification was deleted, is resolved or has expired
--   missing         there is none (for these branches)
-- It goes to the address that the directory has by now.
create or replace function neurolink_retry_deliveries(ids bigint[], force boolean, branches text[])
returns table (delivery_id bigint, outcome text)
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    -- Attempts that a retried delivery has, as NEUROLINK_DELIVERY_MAX_ATTEMPTS by default.
    c_attempts constant integer := 8;
    v_held boolean;
begin
    -- What is being claimed at this moment is left to its claim.
    perform from neurolink_jobs j where j.kind = 'delivery' and j.ref_id = any (ids) and j.claimed_by is null
      order by j.id for update skip locked;
    v_held := found;
    perform from neurolink_delivery_log d where d.id = any (ids) order by d.id for update;
    -- Another statement, so that it sees what was committed while we waited for the locks.
    for delivery_id, outcome in
        with given as (
            select distinct g as id from unnest(ids) g
        ), people as materialized (
            select p.id::text collate "C" as id, p.email::text as email, p.phone::text as phone,
                   p.telegram_chat_id::text as telegram, p.slack_user_id::text as slack
              from neurolink_directory p
             where p.id::text = any (array (select d.user_id from neurolink_delivery_log d where d.id = any (ids)))
        ), seen as materialized (
            select g.id, d.channel, d.status, d.last_error, n.branch_id, a.address, j.id as job_id,
                   greatest(d.attempts, (select max(t.attempt) from neurolink_delivery_attempts t where t.delivery_id = g.id)) as tried,
                   case when r.priority >= 200 then 0 when r.priority < 0 then 2 else 1 end as lane,
                   case when d.id is null or (branches is not null and (n.id is null or n.branch_id is not null and n.branch_id <> all (branches))) then 'missing'
                        when d.channel = 'in_app' or n.id is null or n.deleted_at is not null or n.resolved_at is not null
                             or n.expires_at <= now() then 'gone'
                        when j.claimed_by is not null and j.run_at > now() then 'running'
                        when d.status in ('sent', 'delivered') and force is not true then 'sent'
                        when d.status = 'suppressed' and d.last_error = 'preference' and force is not true then 'unwanted'
                        when exists (select from neurolink_workers w where w.works)
                             and not exists (select from neurolink_workers w
                                              where w.works and (w.channels is null or d.channel = any (w.channels)))
                             then 'not_configured'
                        when a.address is null then 'no_address'
                        when d.status = 'pending' and j.id is not null then 'hastened'
                        else 'queued' end as outcome
              from given g
              left join neurolink_delivery_log d on d.id = g.id
              left join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id
              left join neurolink_notification_rules r on r.id = n.rule_id
              left join people p on p.id = d.user_id
              left join lateral (
                   select j.id, j.claimed_by, j.run_at from neurolink_jobs j
                    where j.kind = 'delivery' and j.ref_id = g.id order by j.id limit 1) j on true
             cross join lateral (
                   select coalesce(nullif(btrim(case d.channel when 'email' then p.email when 'sms' then p.phone
                                                               when 'whatsapp' then p.phone when 'telegram' then p.telegram
                                                               when 'slack' then p.slack end), ''),
                                   d.address) as address) a
        ), again as (
            update neurolink_delivery_log d
               set status = 'pending', ended_at = null, address = s.address, deferred_by = null,
                   last_error = case s.status when 'suppressed' then null else d.last_error end
              from seen s
             where d.id = s.id and (s.outcome = 'queued' or s.outcome = 'hastened' and d.deferred_by is not null)
        ), queued as (
            insert into neurolink_jobs (kind, channel, ref_id, lane, attempt, max_attempts)
            select 'delivery', s.channel, s.id, s.lane, s.tried, s.tried + c_attempts
              from seen s where s.outcome = 'queued' and s.job_id is null
        ), hastened as (
            -- What somebody claims at this moment needs no haste; waiting for them, who may wait for the deliveries held here, would
            -- be a deadlock.
            update neurolink_jobs j set run_at = now()
             where j.id = any (array (
                   select k.id from neurolink_jobs k
                     join seen s on s.id = k.ref_id and s.outcome in ('queued', 'hastened')
                    where k.kind = 'delivery' and k.claimed_by is null and k.run_at > now()
                    order by k.id for update of k skip locked))
        ), audited as (
            -- What a provider said may name an address, and auditors read this. It stands in the attempts, where it is masked.
            insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, before, after)
            select neurolink_actor(), session_user, 'delivery.retried', 'delivery', s.id::text,
                   jsonb_build_object('branch_id', s.branch_id, 'channel', s.channel, 'status', s.status),
                   jsonb_build_object('branch_id', s.branch_id, 'channel', s.channel, 'status', 'pending')
              from seen s where s.outcome in ('queued', 'hastened')
        )
        select s.id, s.outcome from seen s order by s.id
    loop
        return next;
    end loop;
    -- Only inserted jobs wake by themselves; and a claim has passed over what we held.
    if v_held then
        perform pg_notify('neurolink_wake', '');
    end if;
end $$;
comment on function neurolink_retry_deliveries(bigint[], boolean, text[]) is
    'Retries deliveries by id and says what came of each; neurolink_retry is the form for people';
revoke execute on function neurolink_retry_deliveries(bigint[], boolean, text[]) from public;

-- Cancels a delivery that waits or is dead. Says what came of it: cancelled; or, with nothing done: running (it is being sent),
-- sent, ended (suppressed or cancelled already), missing.
create or replace function neurolink_cancel_delivery(id bigint, branches text[]) returns text
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_delivery neurolink_delivery_log;
    v_notification neurolink_notifications;
    v_job neurolink_jobs;
begin
    -- Waits for a claim or an outcome under way, and then sees it.
    perform from neurolink_jobs j where j.kind = 'delivery' and j.ref_id = neurolink_cancel_delivery.id for update;
    select d.* into v_delivery from neurolink_delivery_log d where d.id = neurolink_cancel_delivery.id for update;
    select n.* into v_notification from neurolink_notifications n
     where n.user_id = v_delivery.user_id and n.id = v_delivery.notification_id;
    if v_delivery.id is null
       or branches is not null and (v_notification.id is null or v_notification.branch_id is not null and v_notification.branch_id <> all (branches)) then
        return 'missing';
    elsif v_delivery.status in ('sent', 'delivered') then
        return 'sent';
    elsif v_delivery.status not in ('pending', 'dead') then
        return 'ended';
    end if;
    -- Read again: a retry may have inserted one while we waited for the delivery.
    select j.* into v_job from neurolink_jobs j where j.kind = 'delivery' and j.ref_id = v_delivery.id order by j.id limit 1;
    if v_job.id is not null then
        delete from neurolink_jobs j
         where j.id = v_job.id and j.attempt = v_job.attempt and (j.claimed_by is null or j.run_at <= now());
        if not found then
            return 'running';
        end if;
    end if;
    if v_job.claimed_by is not null then
        -- Its lease ran out, and nobody has taken it over: as the claim would have said.
        insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome, error)
        values (v_delivery.id, v_job.attempt, v_job.claimed_by, now(), 'lost', 'its lease ran out before an outcome was recorded')
        on conflict (delivery_id, attempt) do nothing;
    end if;
    update neurolink_delivery_log d
       set status = 'cancelled', ended_at = now(), attempts = greatest(d.attempts, v_job.attempt)
     where d.id = v_delivery.id;
    perform neurolink_audit('delivery.cancelled', 'delivery', v_delivery.id::text,
        jsonb_build_object('branch_id', v_notification.branch_id, 'channel', v_delivery.channel, 'status', v_delivery.status),
        jsonb_build_object('branch_id', v_notification.branch_id, 'channel', v_delivery.channel, 'status', 'cancelled'));
    return 'cancelled';
end $$;
comment on function neurolink_cancel_delivery(bigint, text[]) is
    'Cancels a delivery and says what came of it; neurolink_cancel is the form for people';
revoke execute on function neurolink_cancel_delivery(bigint, text[]) from public;

-- Dead jobs return to the queue: an event is evaluated alone this time, under attempts that are committed first, and the outcome
-- that gave it up goes. Gives the ids of those that were there.
create or replace function neurolink_retry_jobs(ids bigint[], branches text[]) returns setof bigint
language sql security definer set search_path = @schema@, pg_temp as $$
    -- Outcomes before dead jobs, as a replay and a removal lock them.
    select from neurolink_event_outcomes o
     where o.event_id in (select d.ref_id from neurolink_dead_jobs d where d.id = any ($1) and d.kind = 'event')
     order by o.event_id
       for update;
    with gone as (
        delete from neurolink_dead_jobs d
         where d.id = any ($1)
           and ($2 is null or d.kind <> 'event' or exists (
                select from neurolink_events e where e.id = d.ref_id and (e.branch_id is null or e.branch_id = any ($2))))
        returning *
    ), reopened as (
        delete from neurolink_event_outcomes o using gone g
         where g.kind = 'event' and o.event_id = g.ref_id and o.error is not null
    ), queued as (
        insert into neurolink_jobs (kind, channel, ref_id, lane, last_error)
        -- What has an outcome already is evaluated again, adding what is missing; else the outcome would stand in its way.
        select kind,
               case when kind <> 'event' then ''
                    when exists (select from neurolink_event_outcomes o where o.event_id = gone.ref_id and o.error is null) then 'replay'
                    else 'single' end,
               ref_id, lane, last_error from gone
    ), audited as (
        insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, before)
        select neurolink_actor(), session_user, s.kind || '.retried', s.kind, s.id,
               jsonb_build_object('branch_id', (select e.branch_id from neurolink_events e where g.kind = 'event' and e.id = g.ref_id),
                                  'job_id', g.id, 'kind', g.kind, 'ref_id', g.ref_id, 'last_error', g.last_error)
          from gone g
         cross join lateral (select case g.kind when 'event' then 'event' else 'job' end as kind,
                                    (case g.kind when 'event' then g.ref_id else g.id end)::text as id) s
    )
    select id from gone
$$;
comment on function neurolink_retry_jobs(bigint[], text[]) is 'Dead jobs return to the queue; neurolink_retry is the form for people';
revoke execute on function neurolink_retry_jobs(bigint[], text[]) from public;

-- Dead jobs go for good; an event's outcome goes on saying why. Gives the ids of those that were there.
create or replace function neurolink_discard_jobs(ids bigint[], branches text[]) returns setof bigint
language sql security definer set search_path = @schema@, pg_temp as $$
    -- Outcomes before dead jobs, as a replay and a removal lock them.
    select from neurolink_event_outcomes o
     where o.event_id in (select d.ref_id from neurolink_dead_jobs d where d.id = any ($1) and d.kind = 'event')
     order by o.event_id
       for update;
    with gone as (
        delete from neurolink_dead_jobs d
         where d.id = any ($1)
           and ($2 is null or d.kind <> 'event' or exists (
                select from neurolink_events e where e.id = d.ref_id and (e.branch_id is null or e.branch_id = any ($2))))
        returning *
    ), closed as (
        -- Without an outcome the sweep for forgotten events would queue it again.
        insert into neurolink_event_outcomes (event_id, error)
        select g.ref_id, coalesce(g.last_error, 'discarded') from gone g where g.kind = 'event'
        on conflict (event_id) do nothing
    ), audited as (
        insert into neurolink_audit_log (actor, db_user, action, subject_kind, subject_id, before)
        select neurolink_actor(), session_user, s.kind || '.discarded', s.kind, s.id,
               jsonb_build_object('branch_id', (select e.branch_id from neurolink_events e where g.kind = 'event' and e.id = g.ref_id),
                                  'job_id', g.id, 'kind', g.kind, 'ref_id', g.ref_id, 'last_error', g.last_error)
          from gone g
         cross join lateral (select case g.kind when 'event' then 'event' else 'job' end as kind,
                                    (case g.kind when 'event' then g.ref_id else g.id end)::text as id) s
    )
    select id from gone
$$;
comment on function neurolink_discard_jobs(bigint[], text[]) is 'Dead jobs go for good; neurolink_discard is the form for people';
revoke execute on function neurolink_discard_jobs(bigint[], text[]) from public;
