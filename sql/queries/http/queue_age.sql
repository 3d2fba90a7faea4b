-- How long the oldest due job has waited, for /health. By the claim's own index: one step per channel and lane,
-- however many jobs there are. A job under a lease has its run_at in the future, so it doesn't count.
-- Rows: one; event_seconds, delivery_seconds (0 = nothing waits).
with heads as (
    select k.kind, j.run_at
      from (values ('event', ''), ('delivery', 'in_app'), ('delivery', 'email'), ('delivery', 'sms'),
                   ('delivery', 'whatsapp'), ('delivery', 'telegram'), ('delivery', 'slack'), ('delivery', 'web_push'),
                   ('delivery', 'webhook')) as k (kind, channel)
     cross join (values (0::smallint), (1::smallint), (2::smallint)) as l (lane)
     cross join lateral (
           select run_at from neurolink_jobs j
            where j.kind = k.kind and j.channel = k.channel and j.lane = l.lane
            order by run_at, id
            limit 1) j
)
select coalesce(extract(epoch from now() - min(run_at) filter (where kind = 'event' and run_at <= now())), 0)::float8
           as event_seconds,
       coalesce(extract(epoch from now() - min(run_at) filter (where kind = 'delivery' and run_at <= now())), 0)::float8
           as delivery_seconds
  from heads
