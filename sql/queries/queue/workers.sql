-- Every process that says it lives, the oldest first.
-- One row a process: what it is, and how old its last heartbeat is in seconds.
select incarnation, host, pid, version, works, channels, started_at, heartbeat_at,
       greatest(extract(epoch from now() - heartbeat_at), 0)::float8 as heartbeat_age_seconds
  from neurolink_workers
 order by started_at, incarnation
