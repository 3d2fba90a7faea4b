-- Planned deliveries. In-app ones are delivered by this very commit.
-- $1 id bigint[], $2 notification bigint[], $3 user text[], $4 channel text[], $5 status text[], $6 address text[],
-- $7 display_name text[], $8 content text[] (JSON), $9 reason text[], $10 why its first attempt is put off text[]
insert into neurolink_delivery_log
       (id, notification_id, user_id, channel, status, address, display_name, content, last_error, delivered_at, ended_at, deferred_by)
select id, notification_id, user_id, channel, status, address, display_name, content::jsonb, reason,
       case status when 'delivered' then now() end, case status when 'pending' then null else now() end, deferred_by
  from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
              $10::text[])
       as d (id, notification_id, user_id, channel, status, address, display_name, content, reason, deferred_by)
