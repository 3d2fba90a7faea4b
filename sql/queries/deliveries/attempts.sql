-- The attempts of a delivery, in order.
-- $1 delivery bigint
-- One row an attempt.
select attempt, worker, started_at, finished_at, outcome, error, provider_message_id
  from neurolink_delivery_attempts
 where delivery_id = $1
 order by attempt
