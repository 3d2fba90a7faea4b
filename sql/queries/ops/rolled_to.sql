-- Up to when the minutes are rolled up.
-- Parameters: none
-- Rows: one; rolled_to timestamptz, null before the first time
select (select value::timestamptz from neurolink_meta where key = 'metrics_rolled_to') as rolled_to
