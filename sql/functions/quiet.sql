-- Quiet hours as the pipeline understands them (src/preferences/quiet.rs), for what is told by SQL.

-- When the quiet hours end that are on at a moment; null = it isn't quiet. What is no quiet hours isn't quiet, and a zone that isn't
-- known is UTC. Where clocks show an hour twice this ends them with the second, the pipeline with the first.
create or replace function neurolink_quiet_until(quiet jsonb, zone text, moment timestamptz) returns timestamptz
language plpgsql stable security definer set search_path = @schema@, pg_temp as $$
declare
    c_time constant text := '^([01][0-9]|2[0-3]):[0-5][0-9]$';
    v_from constant text := quiet ->> 'from';
    v_to constant text := quiet ->> 'to';
    v_days constant jsonb := quiet -> 'days';
    v_zone text := zone;
    v_local timestamp;
    v_day date;
    v_end timestamptz;
begin
    if quiet is null or jsonb_typeof(quiet) <> 'object' or v_from is null or v_to is null or v_from !~ c_time or v_to !~ c_time
       or v_from = v_to then
        return null;
    end if;
    begin
        v_local := moment at time zone v_zone;
    exception when invalid_parameter_value then
        v_zone := 'UTC';
        v_local := moment at time zone v_zone;
    end;
    -- Those that began yesterday may go on.
    foreach v_day in array array[v_local::date - 1, v_local::date] loop
        if jsonb_typeof(v_days) in ('array', 'string') and not v_days ? lower(to_char(v_day, 'Dy')) then
            continue;
        end if;
        v_end := (v_day + case when v_to > v_from then 0 else 1 end + v_to::time) at time zone v_zone;
        if (v_day + v_from::time) at time zone v_zone <= moment and moment < v_end then
            return v_end;
        end if;
    end loop;
    return null;
end $$;
comment on function neurolink_quiet_until(jsonb, text, timestamptz) is
    'When somebody''s quiet hours end, if they are on at that moment: select neurolink_quiet_until(''{"from": "22:00", "to": "07:00"}'', ''Asia/Baghdad'', now())';
revoke execute on function neurolink_quiet_until(jsonb, text, timestamptz) from public;
