-- Inboxes for people who have none yet. In a transaction of its own: inside a batch's it could wait for another batch
-- while holding what that one needs.
-- $1 user text[]
insert into neurolink_inboxes (user_id)
select distinct u from unnest($1::text[]) as u order by 1
on conflict (user_id) do nothing
