-- Who works, or says so.
-- Parameters: none
-- Rows: host, pid, version, works, silent_seconds
select host, pid, version, works, greatest(extract(epoch from now() - heartbeat_at), 0)::float8 as silent_seconds
  from neurolink_workers order by started_at, incarnation
