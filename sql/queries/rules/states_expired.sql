-- Forgets what only remembers and has expired, five thousand at a time; nobody's locks are waited for.
-- One row: how many.
with old as (
    select ctid as place from neurolink_rule_states where expires_at < now() and due_at is null limit 5000 for update skip locked
), gone as (
    delete from neurolink_rule_states where ctid = any (array (select place from old)) returning key
)
select count(*) as gone from gone
