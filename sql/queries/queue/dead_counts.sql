-- How much is dead: jobs, and deliveries (by the partial index of those).
-- $1 count at most so many of each bigint
-- One row.
select (select count(*) from (select from neurolink_dead_jobs limit $1) j) as jobs,
       (select count(*) from (select from neurolink_delivery_log where status = 'dead' limit $1) d) as deliveries
