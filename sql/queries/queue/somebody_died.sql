-- Whether a worker's row is left of a process that is gone: its lock is free, or (without a lock) its heartbeat is old. Also
-- true of one that is just reconnecting, so nothing is taken from anybody on this account. Holds the locks it got until the
-- transaction ends.
-- $1 us uuid
-- One row.
select exists (
       select from neurolink_workers
        where works and incarnation <> $1
          and case when lock_key is null then heartbeat_at < now() - interval '15 seconds'
                   else pg_try_advisory_xact_lock(lock_key) end) as died
