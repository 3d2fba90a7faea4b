-- Stops a version of a rule that outlasted its watchdog, on every node.
-- $1 rule bigint, $2 version int, $3 detail text
with stopped as (
    insert into neurolink_rule_faults (rule_id, version, kind, place, detail)
    values ($1, $2, 'watchdog', '', $3)
    on conflict (rule_id, version) do update set kind = 'watchdog', detail = excluded.detail
    returning rule_id
), moved as (
    update neurolink_meta set value = (value::bigint + 1)::text from stopped where key = 'rules_rev'
    returning key
)
select pg_notify('neurolink_rules', '') from moved
