-- Rules that no event of the measurement is for: of other types, exact and by prefix, with and without a module, and one in twenty of
-- every type, but of another module.
-- $1 how many int
insert into neurolink_notification_rules (name, source_module, event_type_pattern, conditions, notification_template, priority)
select 'other_' || n,
       case when n % 20 = 0 then 'other_' || n % 7 when n % 2 = 0 then 'bench' end,
       case when n % 20 = 0 then '*' when n % 3 = 0 then 'other_' || n || '.*' when n % 3 = 1 then 'invoice.other_' || n
            else 'order.other_' || n end,
       '{"and": [{">": [{"var": "payload.days_overdue"}, 10]}, {"in": [{"var": "payload.currency"}, ["IQD", "USD"]]}]}'::jsonb,
       '{"title": "Invoice {{invoice_number}} is overdue", "body": "{{customer_name}}: {{amount}} {{currency}}",
         "channels": ["in_app"], "recipient_roles": ["accountant"]}'::jsonb,
       n % 300
  from generate_series(1, $1::int) as n
