-- The number of the last round that a story has played here, so that the next run goes on from there.
-- $1 text: what the story's keys begin with, up to and with the dash before the round's five digits
-- rows: one; round integer, null when none was played
select max(substr(producer_idempotency_key, length($1::text) + 1, 5)::integer) as round
  from neurolink_events
 where starts_with(producer_idempotency_key, $1::text)
   and substr(producer_idempotency_key, length($1::text) + 1, 5) ~ '^[0-9]{5}$'
