-- After an unclean death: the front of the backlog, where the dead worker's batch must have been, is evaluated singly
-- under committed attempts, so that an event that kills its worker is found instead of killing the next one too.
-- $1 how many per lane int (cast: `limit` would make it a bigint)
update neurolink_jobs set channel = 'single', last_error = 'its batch''s worker died'
 where ctid = any (array (
       select j.ctid from unnest('{0,1,2}'::smallint[]) as l (lane)
        cross join lateral (
              select ctid from neurolink_jobs
               where kind = 'event' and channel = '' and lane = l.lane and run_at <= now()
               order by run_at, id limit $1::int
                 for update skip locked) j))
