-- What /health and `queue status` say: per kind, jobs due and the age of the oldest, in seconds.
select kind, sum(waiting)::bigint as waiting, sum(scheduled)::bigint as scheduled, sum(running)::bigint as running,
       max(oldest_waiting_seconds)::float8 as oldest_seconds
  from neurolink_queue_health
 group by kind
