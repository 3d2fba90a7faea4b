-- Writes what is remembered (rows that states_hold.sql has locked), and sets alarms: jobs that ring when it falls due.
-- $1 rule bigint[], $2 key text[], $3 state text[] (JSON; null = forget it), $4 due timestamptz[], $5 expires timestamptz[],
-- $6 the alarm's kind text[] (null = none is set), $7 its lane smallint[]
with c as (
    select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::smallint[])
        as c (rule_id, key, state, due_at, expires_at, kind, lane)
), gone as (
    delete from neurolink_rule_states s using c where s.rule_id = c.rule_id and s.key = c.key and c.state is null
), saved as (
    update neurolink_rule_states s
       set state = c.state::jsonb, due_at = c.due_at, expires_at = coalesce(c.expires_at, s.expires_at), updated_at = now(),
           alarm = case when c.kind is not null then nextval('neurolink_rule_alarms') when c.due_at is null then null else s.alarm end
      from c where s.rule_id = c.rule_id and s.key = c.key and c.state is not null
    returning s.alarm, s.due_at, c.kind, c.lane
)
insert into neurolink_jobs (kind, ref_id, lane, run_at)
select kind, alarm, lane, due_at from saved where kind is not null
