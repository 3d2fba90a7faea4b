-- How deep the queue is, at any depth: by the claim's own index, a place (kind, channel, lane) at a time. Up to 10 000 jobs of a
-- place are counted; where there are more, PostgreSQL's estimate of the table is shared out among such places. Counting
-- a million takes 200 ms, this 10.
create or replace function neurolink_queue_depth()
returns table (kind text, channel text, waiting bigint, later bigint, oldest_seconds double precision, is_estimate boolean)
language sql stable security definer set search_path = @schema@, pg_temp as $$
    with recursive places as (
        (select j.kind, j.channel, j.lane from neurolink_jobs j order by j.kind, j.channel, j.lane limit 1)
        union all
        select n.kind, n.channel, n.lane
          from places p
         cross join lateral (
               select j.kind, j.channel, j.lane from neurolink_jobs j
                where (j.kind, j.channel, j.lane) > (p.kind, p.channel, p.lane)
                order by j.kind, j.channel, j.lane limit 1) n
    ), counted as (
        select p.kind, p.channel,
               (select count(*) from (
                       select from neurolink_jobs j
                        where j.kind = p.kind and j.channel = p.channel and j.lane = p.lane and j.run_at <= now()
                        limit 10000) due) as waiting,
               (select count(*) from (
                       select from neurolink_jobs j
                        where j.kind = p.kind and j.channel = p.channel and j.lane = p.lane and j.run_at > now()
                        limit 10000) scheduled) as later,
               (select j.run_at from neurolink_jobs j
                 where j.kind = p.kind and j.channel = p.channel and j.lane = p.lane and j.run_at <= now()
                 order by j.run_at limit 1) as oldest
          from places p
    ), share as (
        -- What the places that were counted to their end don't hold is in the others.
        select (c.reltuples::bigint - s.known) / s.full_places as jobs
          from pg_class c,
               (select coalesce(sum(waiting + later) filter (where waiting < 10000), 0)::bigint as known,
                       nullif(count(*) filter (where waiting >= 10000), 0) as full_places
                  from counted) s
         where c.oid = 'neurolink_jobs'::regclass
    )
    select c.kind, c.channel,
           sum(case when c.waiting < 10000 then c.waiting else greatest(c.waiting, share.jobs) end)::bigint,
           sum(c.later)::bigint,
           coalesce(extract(epoch from now() - min(c.oldest)), 0)::double precision,
           bool_or(c.waiting >= 10000 or c.later >= 10000)
      from counted c, share
     group by c.kind, c.channel
$$;
comment on function neurolink_queue_depth() is
    'Jobs that wait (due), that come later (scheduled or being sent), and the age of the oldest due one, per kind and channel; quick at any depth';
revoke execute on function neurolink_queue_depth() from public;
