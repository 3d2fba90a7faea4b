-- Nobody else changes rules until the transaction ends; everybody may read them.
lock table neurolink_notification_rules in share row exclusive mode
