-- Channels that at least one worker has settings for; null where a worker doesn't say, or there is none.
-- One row: channels text[].
select case when count(*) > 0 and bool_and(w.channels is not null)
            then array (select distinct c.channel from neurolink_workers o, unnest(o.channels) as c (channel) where o.works)
       end as channels
  from neurolink_workers w
 where w.works
