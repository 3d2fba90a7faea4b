-- Events of the last thirty days that nobody queues or evaluates, spread evenly: all overdue invoices, over fifty branches.
-- $1 from which number bigint, $2 to which bigint, $3 how many there will be bigint
insert into neurolink_events (id, source_module, event_type, payload, branch_id, entity_type, entity_id, occurred_at, received_at)
overriding system value
select n, 'bench', 'invoice.overdue',
       jsonb_build_object('invoice_id', n, 'invoice_number', 'INV-' || n, 'customer_name', 'Al-Rafidain Trading', 'kind', n % 10 + 1,
                          'days_overdue', 11 + n % 60, 'amount', n * 250, 'currency', 'IQD'),
       'B' || n % 50 + 1, 'invoice', n::text, at.at, at.at
  from generate_series($1::bigint, $2::bigint) as n
 cross join lateral (select now() - ($3::bigint - n) * (interval '30 days' / $3::bigint) as at) at
