-- Events to be drained, in one statement: as many as asked, over all branches and rules.
-- $1 how many int, $2 how many branches int, $3 how many rules int
insert into neurolink_events (source_module, event_type, payload, branch_id, entity_type, entity_id, producer_idempotency_key)
select 'bench', 'invoice.overdue',
       jsonb_build_object('invoice_id', n, 'invoice_number', 'INV-' || n, 'customer_name', 'Al-Rafidain Trading', 'kind', n % $3 + 1,
                          'days_overdue', 11 + n % 60, 'amount', n * 250, 'currency', 'IQD'),
       'B' || n % $2 + 1, 'invoice', n::text, 'drain-' || n
  from generate_series(1, $1::int) as n
