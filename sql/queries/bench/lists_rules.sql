-- Two hundred rules; one in ten is switched off, two are found faulty.
with made as (
    insert into neurolink_notification_rules (name, source_module, event_type_pattern, notification_template, priority, enabled)
    select 'lists_' || n, case when n % 4 = 0 then 'invoicing' end,
           case n % 3 when 0 then '*' when 1 then 'invoice.*' else 'order.created' end,
           '{"title": "{{payload.number}} needs you", "channels": ["in_app", "email"], "recipient_roles": ["role_1"]}'::jsonb, n, n % 10 <> 0
      from generate_series(1, 200) as n
    returning id, version
)
insert into neurolink_rule_faults (rule_id, version, kind, place, detail)
select id, version, 'compile', '/title', 'a measurement''s fault' from made where id % 100 = 7
