-- Planned deliveries of a large batch: insert.sql, copied. What has ended bears the time that the claim gave, its transaction's.
copy neurolink_delivery_log
     (id, notification_id, user_id, channel, status, address, display_name, content, last_error, delivered_at, ended_at, deferred_by)
from stdin (format binary)
