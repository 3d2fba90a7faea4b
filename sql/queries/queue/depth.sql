-- How much waits where, over every kind, channel and lane in use (a loose index scan). Of each place the first jobs by run_at
-- are counted, so that a million of them are told as quickly as ten.
-- $1 count at most so many per place int
-- One row a place: waiting (due, or under a lease that ran out), scheduled, running, whether there may be more,
-- the age of the oldest waiting one in seconds, and whether it is paused.
with recursive places as (
    (select kind, channel, lane from neurolink_jobs order by kind, channel, lane limit 1)
    union all
    select n.kind, n.channel, n.lane
      from places p
     cross join lateral (
           select kind, channel, lane from neurolink_jobs j
            where (j.kind, j.channel, j.lane) > (p.kind, p.channel, p.lane)
            order by kind, channel, lane limit 1) n
)
select p.kind, p.channel, p.lane, c.waiting, c.scheduled, c.running, c.more,
       coalesce(extract(epoch from now() - c.oldest), 0)::float8 as oldest_seconds,
       exists (select from neurolink_pauses z
                where z.kind = p.kind and (z.channel = '' or p.kind = 'delivery' and z.channel = p.channel)) as paused
  from places p
 cross join lateral (
       select count(*) filter (where s.run_at <= now()) as waiting,
              count(*) filter (where s.claimed_by is null and s.run_at > now()) as scheduled,
              count(*) filter (where s.claimed_by is not null and s.run_at > now()) as running,
              count(*) >= $1 as more,
              min(s.run_at) filter (where s.run_at <= now()) as oldest
         from (select j.run_at, j.claimed_by from neurolink_jobs j
                where j.kind = p.kind and j.channel = p.channel and j.lane = p.lane
                order by j.run_at, j.id limit $1::int) s) c
 order by p.kind desc, p.channel, p.lane
