-- An empty schema again, people and rules kept.
truncate neurolink_events, neurolink_event_outcomes, neurolink_jobs, neurolink_dead_jobs, neurolink_inboxes,
         neurolink_notifications, neurolink_delivery_log, neurolink_delivery_attempts
