-- Purpose: keeps a ticket for the stream, and clears away old ones, a few at a time, past those that somebody else clears away.
-- Parameters: $1 SHA-256 of the ticket bytea, $2 whom it admits jsonb, $3 when their token expires timestamptz, null = never
-- Rows: one: expires_at
with cleared as (
    delete from neurolink_stream_tickets
     where hash = any (array(
        select hash from neurolink_stream_tickets where expires_at <= now() limit 100 for update skip locked))
)
insert into neurolink_stream_tickets (hash, principal, expires_at)
values ($1, $2, least(now() + interval '30 seconds', $3::timestamptz))
returning expires_at
