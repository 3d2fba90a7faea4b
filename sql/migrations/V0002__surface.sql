-- What reading, steering and explaining ask of the tables beyond the line itself.
--
-- No index joins the hot tables that isn't partial on something rare: each full one costs the drain 5 to 15 % (V0001 says how
-- it was measured). Lists that no index serves read a bounded stretch per page instead.


---------------------------------------------------------------------------------------------------------- steering

-- A delivery's job is found by its delivery (retry, cancel, what is pending). Only delivery jobs are in it, so the drain
-- doesn't pay for it; their updates were never HOT anyhow, since the claim's index holds run_at.
create index neurolink_jobs_delivery_ix on neurolink_jobs (ref_id) where kind = 'delivery';
-- What is dead is rare, and looked for first.
create index neurolink_delivery_log_dead_ix on neurolink_delivery_log (id) where status = 'dead';

alter table neurolink_workers add column channels text[];
comment on column neurolink_workers.channels is 'The channels it has settings for; null = it takes no jobs, or is of a version that didn''t say';
