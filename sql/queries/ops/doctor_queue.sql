-- What waits where, whether it is paused, and whether anybody alive works on it.
-- Parameters: none
-- Rows: kind, channel, waiting, oldest_seconds, paused, workers (alive ones that take it)
select q.kind, q.channel, q.waiting, q.oldest_seconds,
       exists (select from neurolink_pauses p
                where p.kind = q.kind and (p.channel = '' or p.kind = 'delivery' and p.channel = q.channel)) as paused,
       (select count(*) from neurolink_workers w
         where w.works and w.heartbeat_at > now() - interval '20 seconds'
           and (q.kind <> 'delivery' or w.channels is null or q.channel = any (w.channels))) as workers
  from neurolink_queue_depth() q
 order by q.kind, q.channel
