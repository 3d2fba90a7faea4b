-- The sweep: what waits below the marks that claims start at, because it was committed after jobs behind it had been claimed.
-- A look only, beside the claims: it walks all that is dead there for as long as a long transaction keeps vacuum away, and
-- locks nothing.
-- $1 kind text, $2 channel text[], $3 lane smallint[], $4 mark run_at timestamptz[], $5 mark id bigint[]
-- One row per channel and lane that has something there: its place in the arrays from 0, and the first position
select (l.nth - 1)::int as place, j.run_at, j.id
  from unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::bigint[]) with ordinality as l (channel, lane, run_at, id, nth)
 cross join lateral (
       select run_at, id from neurolink_jobs
        where kind = $1 and channel = l.channel and lane = l.lane and run_at <= now() and (run_at, id) < (l.run_at, l.id)
        order by run_at, id limit 1) j
