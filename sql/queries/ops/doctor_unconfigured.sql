-- Of the newest thousand deliveries: those withheld because their channel has no settings.
-- Parameters: none
-- Rows: channel, many
select d.channel, count(*) as many
  from (select channel, status, last_error from neurolink_delivery_log order by id desc limit 1000) d
 where d.status = 'suppressed' and d.last_error = 'not_configured'
 group by d.channel order by d.channel
