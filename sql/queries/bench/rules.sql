-- The rules of the measurements: all are evaluated for each event, one is true for it, and that one tells the two people of
-- the event's branch.
-- $1 how many int
insert into neurolink_notification_rules (name, source_module, event_type_pattern, conditions, notification_template, priority)
select 'bench_' || n, 'bench', 'invoice.*',
       jsonb_build_object('and', jsonb_build_array(
           '{">": [{"var": "payload.days_overdue"}, 10]}'::jsonb,
           '{"in": [{"var": "payload.currency"}, ["IQD", "USD"]]}'::jsonb,
           jsonb_build_object('==', jsonb_build_array('{"var": "payload.kind"}'::jsonb, n)))),
       '{"title": "Invoice {{invoice_number}} is overdue",
         "body": "Invoice #{{invoice_number}} for {{customer_name}} is {{days_overdue}} days overdue. Amount: {{amount}} {{currency}}",
         "severity": "warning", "category": "invoices", "action_url": "/invoices/{{invoice_id}}", "action_label": "View Invoice",
         "channels": ["in_app"], "recipient_roles": ["accountant"]}'::jsonb,
       100
  from generate_series(1, $1::int) as n
