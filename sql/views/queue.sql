-- What waits, what runs, what is late.
create or replace view neurolink_queue_health as
select j.kind, j.channel,
       case j.lane when 0 then 'critical' when 1 then 'normal' else 'bulk' end as lane,
       count(*) filter (where j.claimed_by is null and j.run_at <= now()) as waiting,
       count(*) filter (where j.claimed_by is null and j.run_at > now()) as scheduled,
       count(*) filter (where j.claimed_by is not null) as running,
       coalesce(extract(epoch from now() - min(j.run_at) filter (where j.claimed_by is null and j.run_at <= now())), 0)::numeric(12, 3)
           as oldest_waiting_seconds,
       exists (select from neurolink_pauses p where p.kind = j.kind and p.channel in ('', j.channel)) as paused
  from neurolink_jobs j
 group by j.kind, j.channel, j.lane;
comment on view neurolink_queue_health is 'Per kind, channel and lane: jobs waiting, scheduled for later, running, and the age of the oldest waiting one';

create or replace view neurolink_stuck_jobs as
select j.id, j.kind, j.channel, j.ref_id, j.attempt, j.max_attempts, j.last_error, j.claimed_by, j.run_at, j.created_at,
       now() - j.run_at as late_by,
       case when j.claimed_by is not null then 'its lease ran out and nobody has taken it over'
            when exists (select from neurolink_pauses p where p.kind = j.kind and p.channel in ('', j.channel)) then 'paused'
            when not exists (select from neurolink_workers) then 'no worker is running'
            else 'waiting for more than a minute' end as why
  from neurolink_jobs j
 -- Reckoned once: for each of 100 000 jobs it took a fifth of the time.
 where j.run_at < (select now() - interval '5 seconds')
   and (j.claimed_by is not null or j.run_at < (select now() - interval '1 minute'));
comment on view neurolink_stuck_jobs is 'Jobs that should have been worked on by now, and why they were not';

create or replace view neurolink_inbox_drift as
select i.user_id, i.unread_count, n.unread, i.unseen_count, n.unseen
  from neurolink_inboxes i
  left join lateral (
       select count(*) filter (where read_at is null) as unread, count(*) filter (where seen_at is null) as unseen
         from neurolink_notifications n
        where n.user_id = i.user_id and n.in_app and n.deleted_at is null and n.archived_at is null
          and n.snoozed_until is null) n on true
 where (i.unread_count, i.unseen_count) is distinct from (n.unread, n.unseen);
comment on view neurolink_inbox_drift is 'Inboxes whose counts differ from their rows: always empty';
