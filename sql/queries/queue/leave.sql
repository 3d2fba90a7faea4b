-- An orderly stop: this process leaves the workers.
-- $1 incarnation uuid
delete from neurolink_workers where incarnation = $1
