-- Mends an inbox whose counts have come apart from its rows (changed by hand, a partial restore): select neurolink_recount_inbox('ali').
-- neurolink_inbox_drift and `neurolink doctor` name them.

-- Counts under the inbox's lock, as every change of it does, so that nothing comes in between. Where the counts were wrong the
-- revision moves, so that whoever is connected is told the right ones; the audit log has both. True if there was something to mend.
create or replace function neurolink_recount_inbox(user_id text) returns boolean
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_inbox neurolink_inboxes;
    v_unread integer;
    v_unseen integer;
begin
    select i.* into v_inbox from neurolink_inboxes i where i.user_id = neurolink_recount_inbox.user_id for update;
    if not found then
        raise exception 'there is no inbox of "%"', neurolink_recount_inbox.user_id using errcode = 'no_data_found';
    end if;
    -- Another statement, so that it sees what was committed while we waited for the lock.
    select count(*) filter (where n.read_at is null), count(*) filter (where n.seen_at is null) into v_unread, v_unseen
      from neurolink_notifications n
     where n.user_id = v_inbox.user_id and n.in_app and n.deleted_at is null and n.archived_at is null
       and n.snoozed_until is null;
    if (v_inbox.unread_count, v_inbox.unseen_count) is not distinct from (v_unread, v_unseen) then
        return false;
    end if;
    update neurolink_inboxes i set rev = i.rev + 1, unread_count = v_unread, unseen_count = v_unseen
     where i.user_id = v_inbox.user_id;
    perform neurolink_audit('inbox.recounted', 'inbox', v_inbox.user_id,
                            jsonb_build_object('unread', v_inbox.unread_count, 'unseen', v_inbox.unseen_count),
                            jsonb_build_object('unread', v_unread, 'unseen', v_unseen));
    return true;
end $$;
comment on function neurolink_recount_inbox(text) is
    'Mends an inbox''s counts by counting its rows: select neurolink_recount_inbox(''ali''). True if they were wrong';
revoke execute on function neurolink_recount_inbox(text) from public;
