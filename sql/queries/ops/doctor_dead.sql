-- What is dead, up to 10 000 of each kind, with the newest error of each.
-- Parameters: none
-- Rows: kind (event, delivery …), channel, many, last_error, last_seconds_ago
select 'delivery' as kind, d.channel, count(*) as many,
       (array_agg(d.last_error order by d.id desc))[1] as last_error,
       extract(epoch from now() - max(d.ended_at))::float8 as last_seconds_ago
  from (select id, channel, last_error, ended_at from neurolink_delivery_log where status = 'dead' order by id desc limit 10000) d
 group by d.channel
union all
select j.kind, '', count(*), (array_agg(j.last_error order by j.died_at desc))[1],
       extract(epoch from now() - max(j.died_at))::float8
  from (select kind, last_error, died_at from neurolink_dead_jobs limit 10000) j
 group by j.kind
 order by 1, 2
