-- How the queue stands.
-- Parameters: none
-- Rows: kind, channel, waiting, later, oldest_seconds, is_estimate
select kind, channel, waiting, later, oldest_seconds, is_estimate from neurolink_queue_depth() order by kind, channel
