-- A page of the audit log, newest first. What was done to events, deliveries and notifications is shown to who sees the
-- branch that stands in the entry (none = all); other subjects belong to no branch. Of several filters one leads, by its index; along
-- it a bounded stretch is looked at, and the caller goes on below its end.
-- $1 below this entry: its time, or null, $2 actor, $3 action, $4 subject kind, $5 subject id (each or null), $6 from timestamptz or
-- null, $7 before timestamptz or null, $8 the caller's branches text[] (null = all), $9 limit bigint, $10 below: its id, $11 what leads
-- text (subject, actor, action, or time), $12 entries looked at most bigint
-- One row an entry.
select id, at, actor, db_user, action, subject_kind, subject_id, before::text as before, after::text as after
  from (select * from neurolink_audit_log
         where ($1::timestamptz is null or (at, id) < ($1, $10::bigint))
           and ($6::timestamptz is null or at >= $6)
           and ($7::timestamptz is null or at < $7)
           and ($11::text <> 'subject' or subject_kind = $4 and subject_id = $5)
           and ($11 <> 'actor' or actor = $2)
           and ($11 <> 'action' or action = $3)
         order by at desc, id desc
         limit $12) e
 where ($2::text is null or actor = $2)
   and ($3::text is null or action = $3)
   and ($4::text is null or subject_kind = $4)
   and ($5::text is null or subject_id = $5)
   and ($8::text[] is null or subject_kind not in ('event', 'delivery', 'notification')
        or (coalesce(after, before) ? 'branch_id'
            and (coalesce(after, before) ->> 'branch_id' is null or coalesce(after, before) ->> 'branch_id' = any ($8))))
 order by at desc, id desc
 limit $9
