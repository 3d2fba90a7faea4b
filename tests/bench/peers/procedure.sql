-- The limit of the drain: one set-based statement a batch that writes the same rows as the pipeline — outcomes, inboxes moved,
-- notifications, deliveries, jobs gone — without rules or templates to evaluate. Called with a batch's size until it gives 0.
create or replace function bench_procedure(batch integer) returns integer language plpgsql as $$
declare
    n integer;
begin
    create temporary table if not exists bench_told (id bigint, user_id text collate "C", nth integer, event_id bigint,
                                                     entity_id text, branch_id text, payload jsonb) on commit delete rows;
    with claimed as (
        delete from neurolink_jobs
         where ctid = any (array (select ctid from neurolink_jobs
                                   where kind = 'event' and channel = '' and lane = 1 and run_at <= now()
                                   order by run_at, id limit batch for update skip locked))
        returning ref_id
    ), judged as (
        insert into neurolink_event_outcomes (event_id, rules_matched, notifications)
        select ref_id, 1, 2 from claimed
        returning event_id
    )
    insert into bench_told
    select nextval(pg_get_serial_sequence('neurolink_notifications', 'id')), u.id,
           row_number() over (partition by u.id order by e.id), e.id, e.entity_id, e.branch_id, e.payload
      from judged j
      join neurolink_events e on e.id = j.event_id
      join neurolink_users u on u.branch_ids @> array[e.branch_id];
    get diagnostics n = row_count;
    if n = 0 then
        return 0;
    end if;
    perform from neurolink_inboxes where user_id in (select user_id from bench_told) order by user_id collate "C" for update;
    with moved as (
        update neurolink_inboxes i
           set rev = i.rev + c.n, unread_count = i.unread_count + c.n, unseen_count = i.unseen_count + c.n
          from (select user_id, count(*)::integer as n from bench_told group by 1) c
         where i.user_id = c.user_id
        returning i.user_id, i.rev - c.n as base
    )
    insert into neurolink_notifications
           (id, user_id, rev, event_id, rule_id, rule_version, source_module, event_type, entity_type, entity_id, branch_id,
            category, severity, locale, title, body, action_url, action_label)
    overriding system value
    select t.id, t.user_id, m.base + t.nth, t.event_id, 1, 1, 'bench', 'invoice.overdue', 'invoice', t.entity_id, t.branch_id,
           'invoices', 'warning', 'en',
           format('Invoice %s is overdue', t.payload ->> 'invoice_number'),
           format('Invoice #%s for %s is %s days overdue. Amount: %s %s', t.payload ->> 'invoice_number',
                  t.payload ->> 'customer_name', t.payload ->> 'days_overdue', t.payload ->> 'amount', t.payload ->> 'currency'),
           '/invoices/' || (t.payload ->> 'invoice_id'), 'View Invoice'
      from bench_told t join moved m on m.user_id = t.user_id;
    insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, delivered_at, ended_at)
    select id * 32, id, user_id, 'in_app', 'delivered', now(), now() from bench_told;
    delete from bench_told;
    return n;
end $$;
