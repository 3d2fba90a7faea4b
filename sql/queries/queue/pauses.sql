-- What is paused at this moment, and by whom.
-- One row a pause.
select kind, channel, reason, paused_by, paused_at from neurolink_pauses order by kind desc, channel
