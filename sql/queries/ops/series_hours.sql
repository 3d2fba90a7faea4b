-- One metric over time, by the hour; the hour that isn't over yet comes from its minutes.
-- $1 metric text, $2 label text or null for all, $3 from timestamptz, $4 before timestamptz, $5 step in seconds bigint,
-- $6 whether a step is its worst minute instead of the sum boolean, $7 the hour that isn't over timestamptz
-- Rows: label, at (the step's begin), value; in that order
select label, date_bin($5::bigint * interval '1 second', hour, $3) as at,
       case when $6 then max(value) else sum(value) end as value
  from (select label, hour, value from neurolink_metrics_hours
         where metric = $1 and ($2::text is null or label = $2) and hour >= $3 and hour < $4
        union all
        select label, minute, value from neurolink_metrics
         where metric = $1 and ($2::text is null or label = $2) and minute >= greatest($7::timestamptz, $3) and minute < $4) h
 group by 1, 2
 order by 1, 2
