\set a random(1, 9000000000000000)
\set b random(1, 9000000000000000)
insert into neurolink_events (source_module, event_type, payload, branch_id, entity_type, entity_id, producer_idempotency_key) values ('bench', 'invoice.overdue', '{"invoice_id": 4711, "invoice_number": "INV-4711", "customer_name": "Al-Rafidain Trading", "kind": 7, "days_overdue": 12, "amount": 1250000, "currency": "IQD"}', 'B1', 'invoice', '4711', 'key-' || :a::text || '-' || :b::text);
