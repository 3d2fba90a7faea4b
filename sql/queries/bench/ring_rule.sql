-- Two rules for the streams: one tells whom the event names, one tells everybody. The title carries when it was sent.
insert into neurolink_notification_rules (name, source_module, event_type_pattern, notification_template, priority)
values ('bench_one', 'bench', 'ring.one',
        '{"title": "{{payload.sent}}", "channels": ["in_app"], "recipient_fields": ["to"]}', 100),
       ('bench_all', 'bench', 'ring.all',
        '{"title": "{{payload.sent}}", "channels": ["in_app"], "recipient_roles": ["accountant"], "recipient_branches": "any"}', 100)
