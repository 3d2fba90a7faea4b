-- What a drain left: jobs, outcomes without an error, notifications in inboxes, deliveries made.
select (select count(*) from neurolink_jobs) as jobs,
       (select count(*) from neurolink_event_outcomes where error is null) as outcomes,
       (select count(*) from neurolink_notifications where in_app) as told,
       (select count(*) from neurolink_delivery_log where status = 'delivered') as delivered
