-- How many events a measurement's schema holds from before: their ids are 1 to this.
-- One row.
select coalesce(max(id), 0) as events from neurolink_events
