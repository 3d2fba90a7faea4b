-- Rolls up the minutes that are over, if no other node is at it; one small statement when there is nothing to do.
-- Parameters: none
-- Rows: one; left_over = minutes that are still to be rolled
select neurolink_roll_up() as left_over
