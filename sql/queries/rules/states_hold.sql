-- Locks what is remembered under these keys, in the one order everybody locks them in, and reads it as it is then. Keys that aren't
-- there are made, so that there is something to lock: who finds nothing to remember deletes them again.
-- $1 rule bigint[], $2 key text[]
-- One row a key: rule_id, key, state (JSON text), due_at, is_new (it was made just now)
insert into neurolink_rule_states as s (rule_id, key)
select k.rule_id, k.key from unnest($1::bigint[], $2::text[]) as k (rule_id, key) order by k.rule_id, k.key collate "C"
on conflict (rule_id, key) do update set updated_at = now()
returning s.rule_id, s.key, s.state::text as state, s.due_at, s.xmax = 0 as is_new
