-- One metric over time, by the minute.
-- $1 metric text, $2 label text or null for all, $3 from timestamptz, $4 before timestamptz, $5 step in seconds bigint,
-- $6 whether a step is its worst minute instead of the sum boolean
-- Rows: label, at (the step's begin), value; in that order
select label, date_bin($5::bigint * interval '1 second', minute, $3) as at,
       case when $6 then max(value) else sum(value) end as value
  from neurolink_metrics
 where metric = $1 and ($2::text is null or label = $2) and minute >= $3 and minute < $4
 group by 1, 2
 order by 1, 2
