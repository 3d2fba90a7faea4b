-- Purpose: the revisions of connected people's inboxes: the sweep that bounds what a lost hint costs.
-- Parameters: $1 user text[]
-- Rows: one a user: user, rev (0 without an inbox), epoch (asked once: it reads the server's control file)
select c.user_id, coalesce(i.rev, 0) as rev, (select neurolink_epoch()) as epoch
  from unnest($1::text[]) as c (user_id)
  left join neurolink_inboxes i on i.user_id = c.user_id
