-- When the next scheduled job falls due, over every kind, channel and lane in use (a loose index scan).
-- One row: milliseconds from now until then (null = nothing scheduled). Jobs already due don't count: they are either
-- paused or held by somebody.
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
select (extract(epoch from min(s.run_at) - now()) * 1000)::bigint as wait_ms
  from places p
 cross join lateral (
       select run_at from neurolink_jobs j
        where j.kind = p.kind and j.channel = p.channel and j.lane = p.lane and j.run_at > now()
        order by run_at limit 1) s
