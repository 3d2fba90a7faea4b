-- Where the events of a rare kind stand that an index knows: of one correlation, or with a failed or warned outcome.
-- $1 only below this id bigint, $2 not below this id bigint, $3 ids at most bigint, $4 correlation_id text (or null), $5 outcome text:
-- failed, warned (looked at when $4 is null)
-- One row an id, newest first.
(select id from neurolink_events
  where $4::text is not null and correlation_id = $4 and id < $1 and id >= $2 order by id desc limit $3)
union all
(select event_id as id from neurolink_event_outcomes
  where $4::text is null and $5::text = 'failed' and error is not null and event_id < $1 and event_id >= $2 order by event_id desc limit $3)
union all
(select event_id as id from neurolink_event_outcomes
  where $4::text is null and $5::text = 'warned' and warnings is not null and event_id < $1 and event_id >= $2 order by event_id desc limit $3)
