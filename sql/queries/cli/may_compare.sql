-- Whether this role may look at what it has put in: one of a producer only may not.
-- One row.
select has_table_privilege('neurolink_events', 'select') as may
