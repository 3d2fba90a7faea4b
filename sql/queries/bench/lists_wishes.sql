-- A third of the people have said what they want.
insert into neurolink_user_preferences (user_id, channels)
select id, '{"invoices": {"email": false}}' from neurolink_users where right(id, 1) in ('3', '6', '9')
