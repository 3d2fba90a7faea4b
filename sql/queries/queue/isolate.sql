-- Moves event jobs out of the batches: each will be evaluated alone.
-- $1 job bigint[], $2 the batch's error text
update neurolink_jobs set channel = 'single', last_error = $2
 where id = any ($1) and kind = 'event' and channel = ''
