-- What is paused, by whom, why and since when.
-- Parameters: none
-- Rows: kind, channel, reason, paused_by, seconds
select kind, channel, reason, paused_by, extract(epoch from now() - paused_at)::float8 as seconds
  from neurolink_pauses order by kind, channel
