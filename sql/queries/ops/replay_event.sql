-- An event about to be evaluated again, kept from being deleted meanwhile.
-- $1 event bigint
-- At most one row.
select e.branch_id, exists (select from neurolink_event_outcomes o where o.event_id = e.id) as is_evaluated
  from neurolink_events e where e.id = $1 for key share
