-- Workers whose heartbeat is old. After a restart of the server every heartbeat is old and every lock free, and after our
-- own reconnect the same may be true of peers that are just reconnecting: stale counts from the latest of the three.
-- $1 us uuid, $2 since when we are connected timestamptz
-- One row a peer: its lock, its heartbeat, and whether that is stale.
select incarnation, lock_key, heartbeat_at,
       greatest(heartbeat_at, pg_postmaster_start_time(), $2) <
           now() - case when lock_key is null then interval '15 seconds' else interval '2.5 seconds' end as stale
  from neurolink_workers
 where incarnation <> $1
