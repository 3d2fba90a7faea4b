-- Who keeps vacuum from cleaning up, the oldest first.
-- Parameters: none
-- Rows: kind, who, seconds (null where nobody knows since when), age (transactions since), detail, cure
select kind, who, extract(epoch from now() - since)::float8 as seconds, age::bigint as age, detail, cure
  from neurolink_vacuum_pins order by age desc nulls last limit 10
