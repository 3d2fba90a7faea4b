-- Retry, discard and cancel as a DBA says them in psql: what can't be done is an error, with the way out.
--   select neurolink_retry('delivery', 4711);                                         -- force => true for one that is sent
--   select neurolink_retry('delivery', '{"status": "dead", "channel": "email"}', 12); -- so many match, or nothing is done
--   select neurolink_retry('job', 17);
--   select neurolink_discard(17);
--   select neurolink_cancel(4711);

create or replace function neurolink_retry(what text, id bigint, force boolean default false) returns text
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_outcome text;
begin
    if what = 'job' then
        if not exists (select from neurolink_retry_jobs(array[neurolink_retry.id], null)) then
            raise exception 'there is no dead job %', neurolink_retry.id using errcode = 'no_data_found';
        end if;
        return 'queued';
    elsif what is distinct from 'delivery' then
        raise exception 'neurolink_retry: "%" can''t be retried', what
            using errcode = 'invalid_parameter_value', hint = 'It is delivery or job (a dead one).';
    end if;
    select r.outcome into v_outcome from neurolink_retry_deliveries(array[neurolink_retry.id], force, null) r;
    case v_outcome
        when 'queued', 'hastened', 'running' then
            return v_outcome;
        when 'missing' then
            raise exception 'there is no delivery %', neurolink_retry.id using errcode = 'no_data_found';
        when 'sent' then
            raise exception 'delivery % is sent', neurolink_retry.id
                using errcode = 'object_not_in_prerequisite_state', hint = 'To send it again: force => true.';
        when 'unwanted' then
            raise exception 'the recipient of delivery % has switched this channel off', neurolink_retry.id
                using errcode = 'object_not_in_prerequisite_state', hint = 'To send it all the same: force => true.';
        when 'not_configured' then
            raise exception 'no worker has settings for the channel of delivery %', neurolink_retry.id
                using errcode = 'object_not_in_prerequisite_state', hint = 'neurolink config lists the settings.';
        when 'no_address' then
            raise exception 'delivery % has no address', neurolink_retry.id
                using errcode = 'object_not_in_prerequisite_state', hint = 'Put it into the directory, and retry.';
        else
            raise exception 'there is nothing to send for delivery %', neurolink_retry.id
                using errcode = 'object_not_in_prerequisite_state',
                      hint = 'It is of an inbox, or its notification was deleted.';
    end case;
end $$;
comment on function neurolink_retry(text, bigint, boolean) is
    'Retry a delivery, or a dead job: select neurolink_retry(''delivery'', 4711). Says queued, hastened or running';
revoke execute on function neurolink_retry(text, bigint, boolean) from public;

-- By filter, in the caller's one transaction: at most 10 000, and only if exactly so many match. Gives how many were retried.
create or replace function neurolink_retry(what text, filter jsonb, expected_count bigint) returns bigint
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    c_most constant integer := 10000;
    v_ids bigint[] := '{}';
    v_page bigint[];
    v_below bigint;
    v_retried bigint;
begin
    if what = 'job' then
        v_ids := array (select neurolink_find_dead_jobs(filter, null, null, c_most + 1));
    elsif what = 'delivery' then
        filter := '{"status": "dead"}' || filter;
        if filter ->> 'status' is null or filter ->> 'status' not in ('dead', 'suppressed', 'cancelled') then
            raise exception 'deliveries of status "%" are not retried by filter', filter ->> 'status'
                using errcode = 'invalid_parameter_value', hint = 'It is dead, suppressed or cancelled.';
        end if;
        loop
            select f.ids, f.reached into v_page, v_below
              from neurolink_find_deliveries(filter, v_below, null, c_most + 1 - cardinality(v_ids), 20000) f;
            v_ids := v_ids || v_page;
            exit when v_below is null or cardinality(v_ids) > c_most;
        end loop;
    else
        raise exception 'neurolink_retry: "%" can''t be retried', what
            using errcode = 'invalid_parameter_value', hint = 'It is delivery or job (a dead one).';
    end if;
    if cardinality(v_ids) > c_most then
        raise exception 'more than % match', c_most
            using errcode = 'program_limit_exceeded',
                  hint = 'Narrow the filter by from and to, or use neurolink queue retry, which goes in small transactions.';
    elsif cardinality(v_ids) is distinct from expected_count then
        raise exception '% match, not %', cardinality(v_ids), expected_count
            using errcode = 'object_not_in_prerequisite_state', hint = 'Nothing was done.';
    end if;
    if what = 'job' then
        select count(*) into v_retried from neurolink_retry_jobs(v_ids, null);
    else
        select count(*) filter (where r.outcome = 'queued') into v_retried from neurolink_retry_deliveries(v_ids, false, null) r;
    end if;
    return v_retried;
end $$;
comment on function neurolink_retry(text, jsonb, bigint) is
    'Retry deliveries or dead jobs by filter, if exactly so many match: select neurolink_retry(''delivery'', ''{"channel": "email"}'', 12)';
revoke execute on function neurolink_retry(text, jsonb, bigint) from public;

create or replace function neurolink_discard(id bigint) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    if not exists (select from neurolink_discard_jobs(array[neurolink_discard.id], null)) then
        raise exception 'there is no dead job %', neurolink_discard.id using errcode = 'no_data_found';
    end if;
end $$;
comment on function neurolink_discard(bigint) is 'A dead job goes for good: select neurolink_discard(17)';
revoke execute on function neurolink_discard(bigint) from public;

-- By filter, as neurolink_retry does it.
create or replace function neurolink_discard(filter jsonb, expected_count bigint) returns bigint
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    c_most constant integer := 10000;
    v_ids constant bigint[] := array (select neurolink_find_dead_jobs(filter, null, null, c_most + 1));
    v_gone bigint;
begin
    if cardinality(v_ids) > c_most then
        raise exception 'more than % match', c_most
            using errcode = 'program_limit_exceeded', hint = 'Narrow the filter by from and to.';
    elsif cardinality(v_ids) is distinct from expected_count then
        raise exception '% match, not %', cardinality(v_ids), expected_count
            using errcode = 'object_not_in_prerequisite_state', hint = 'Nothing was done.';
    end if;
    select count(*) into v_gone from neurolink_discard_jobs(v_ids, null);
    return v_gone;
end $$;
comment on function neurolink_discard(jsonb, bigint) is 'Dead jobs go for good, if exactly so many match: select neurolink_discard(''{"kind": "event"}'', 3)';
revoke execute on function neurolink_discard(jsonb, bigint) from public;

create or replace function neurolink_cancel(id bigint) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    case neurolink_cancel_delivery(neurolink_cancel.id, null)
        when 'cancelled', 'ended' then
            null;
        when 'running' then
            raise exception 'delivery % is being sent at this moment', neurolink_cancel.id
                using errcode = 'object_in_use', hint = 'Look again in a moment.';
        when 'sent' then
            raise exception 'delivery % is sent', neurolink_cancel.id using errcode = 'object_not_in_prerequisite_state';
        else
            raise exception 'there is no delivery %', neurolink_cancel.id using errcode = 'no_data_found';
    end case;
end $$;
comment on function neurolink_cancel(bigint) is 'Cancel a delivery that waits or is dead: select neurolink_cancel(4711)';
revoke execute on function neurolink_cancel(bigint) from public;
