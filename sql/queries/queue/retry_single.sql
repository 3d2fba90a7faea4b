-- Gives a singly claimed event job back for a later try, if the claim still holds.
-- $1 job bigint, $2 attempt int, $3 worker uuid, $4 wait in milliseconds bigint, $5 error text
update neurolink_jobs
   set claimed_by = null, run_at = now() + $4::bigint * interval '1 millisecond', last_error = $5
 where id = $1 and attempt = $2 and claimed_by = $3
