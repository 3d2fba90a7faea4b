-- One event by plain SQL, as an ERP's own transaction stores it. No parameters: what is measured is the insert.
insert into neurolink_events (source_module, event_type, payload, branch_id, entity_type, entity_id)
values ('bench', 'stock.counted',
        '{"invoice_id": 4711, "invoice_number": "INV-4711", "customer_name": "Al-Rafidain Trading", "kind": 7, "days_overdue": 12, "amount": 1250000, "currency": "IQD"}',
        'B1', 'invoice', '4711')
