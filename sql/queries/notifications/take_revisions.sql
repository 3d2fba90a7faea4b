-- Moves locked inboxes on by as many revisions as each gets new notifications, and counts those unread and unseen.
-- $1 user text[], $2 how many int[]
-- One row an inbox: its user, and the revision before the first of the new ones
update neurolink_inboxes i
   set rev = i.rev + c.n, unread_count = i.unread_count + c.n, unseen_count = i.unseen_count + c.n
  from unnest($1::text[], $2::int[]) as c (user_id, n)
 where i.user_id = c.user_id
returning i.user_id, i.rev - c.n as base
