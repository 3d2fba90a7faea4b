-- Events, spread evenly over half a year that ends now: seventeen types and ten rare ones, fifty branches, one act in a hundred
-- of one huge batch.
-- $1 from which number bigint, $2 to which bigint, $3 how many there will be bigint, $4 when they end text
insert into neurolink_events (id, source_module, event_type, severity, occurred_at, received_at, payload, producer_idempotency_key,
                              correlation_id, branch_id, actor_id, entity_type, entity_id)
overriding system value
select n, split_part(t.type, '/', 1), split_part(t.type, '/', 2),
       case when r.h % 100 < 80 then 'info' when r.h % 100 < 95 then 'warning' when r.h % 100 < 99 then 'error' else 'critical' end,
       at.at, at.at,
       jsonb_build_object('invoice_id', n, 'number', 'INV-' || n, 'customer_name', 'Al-Rafidain Trading', 'days_overdue', 11 + n % 60,
                          'amount', n * 250, 'currency', 'IQD'),
       case when n % 2 = 0 then 'lists-' || n end,
       case when n % 100 = 1 then 'batch' when n % 5 = 0 then 'act-' || n / 20 end,
       case when r.h % 20 > 0 then 'B' || 1 + r.h / 20 % 50 end, 'u' || 1 + r.h % 300,
       (array['invoice', 'order', 'product', 'customer'])[1 + n % 4], (r.h % 100000)::text
  from generate_series($1::bigint, $2::bigint) as n
 cross join lateral (select hashint8(n)::bigint & 1073741823 as h) r
 cross join lateral (select $4::text::timestamptz - ($3::bigint - n) * (interval '180 days' / $3::bigint) as at) at
 cross join lateral (
       select case when n % greatest($3::bigint / 10, 1) = 3 then 'security/vault.opened'
                   else (array['invoicing/invoice.created', 'invoicing/invoice.overdue', 'invoicing/invoice.paid', 'sales/order.created',
                               'sales/order.cancelled', 'sales/quote.accepted', 'inventory/stock.low', 'inventory/stock.counted',
                               'inventory/transfer.sent', 'purchasing/order.approved', 'purchasing/order.late', 'payments/payment.received',
                               'payments/payment.failed', 'hr/leave.requested', 'hr/leave.approved', 'logistics/shipment.sent',
                               'logistics/shipment.delivered'])[1 + floor(17 * ((r.h % 4096) / 4096.0) ^ 2)::int] end as type) t
