-- Enters this process among the workers, or says that it still lives.
-- $1 incarnation uuid, $2 host, $3 pid int, $4 version, $5 works boolean, $6 lock_key bigint, $7 channels text[] (null = none)
insert into neurolink_workers (incarnation, host, pid, version, works, lock_key, channels)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (incarnation) do update set heartbeat_at = now(), lock_key = excluded.lock_key
