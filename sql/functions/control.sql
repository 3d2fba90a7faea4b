-- Steering by SQL: pauses. Who paused or resumed what is in the audit log.

-- Pause a kind of job, or one channel's deliveries: select neurolink_pause('delivery', 'email', 'mail server moves').
create or replace function neurolink_pause(kind text, channel text default '', reason text default null) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_before jsonb;
begin
    -- A misspelt pause would pause nothing, and nobody would notice until the mails had gone.
    if neurolink_pause.kind is null or neurolink_pause.kind not in ('event', 'delivery', 'reminder', 'digest', 'escalation', 'fanout') then
        raise exception 'neurolink_pause: there are no jobs of kind "%"', neurolink_pause.kind
            using errcode = 'invalid_parameter_value', hint = 'It is event, delivery, reminder, digest, escalation or fanout.';
    elsif neurolink_pause.channel is null or neurolink_pause.channel <> '' and (neurolink_pause.kind <> 'delivery'
          or neurolink_pause.channel not in ('email', 'sms', 'whatsapp', 'telegram', 'slack', 'web_push', 'webhook')) then
        raise exception 'neurolink_pause: jobs of kind "%" have no channel "%"', neurolink_pause.kind, neurolink_pause.channel
            using errcode = 'invalid_parameter_value',
                  hint = 'Deliveries have email, sms, whatsapp, telegram, slack, web_push, webhook; leave it out to pause all.';
    end if;
    select to_jsonb(p) into v_before from neurolink_pauses p
     where p.kind = neurolink_pause.kind and p.channel = neurolink_pause.channel for update;
    insert into neurolink_pauses (kind, channel, reason, paused_by)
    values (neurolink_pause.kind, neurolink_pause.channel, neurolink_pause.reason, neurolink_actor())
    on conflict (kind, channel) do update set reason = excluded.reason, paused_by = excluded.paused_by, paused_at = now();
    perform neurolink_audit('queue.paused', 'queue', concat_ws('/', neurolink_pause.kind, nullif(neurolink_pause.channel, '')),
                            v_before, (select to_jsonb(p) from neurolink_pauses p
                                        where p.kind = neurolink_pause.kind and p.channel = neurolink_pause.channel));
end $$;
comment on function neurolink_pause(text, text, text) is 'Pause a kind of job (event, delivery, reminder, digest, escalation, fanout) or one channel of deliveries; idempotent';
revoke execute on function neurolink_pause(text, text, text) from public;

-- Resume; true if it was paused. Wakes the nodes.
create or replace function neurolink_resume(kind text, channel text default '') returns boolean
language plpgsql security definer set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_before jsonb;
begin
    delete from neurolink_pauses p where p.kind = neurolink_resume.kind and p.channel = neurolink_resume.channel
    returning to_jsonb(p) into v_before;
    if not found then
        return false;
    end if;
    perform neurolink_audit('queue.resumed', 'queue', concat_ws('/', neurolink_resume.kind, nullif(neurolink_resume.channel, '')),
                            v_before, null);
    perform pg_notify('neurolink_wake', '');
    return true;
end $$;
comment on function neurolink_resume(text, text) is 'Resume what neurolink_pause paused; false if it was not paused';
revoke execute on function neurolink_resume(text, text) from public;
