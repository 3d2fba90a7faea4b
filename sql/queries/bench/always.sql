-- What the wake is compared with: a trigger that notifies in every transaction. In the measurement's own schema.
create function bench_always() returns trigger language plpgsql as $$
begin
    perform pg_notify('neurolink_wake', '');
    return null;
end $$;
create trigger bench_always after insert on neurolink_jobs for each statement execute function bench_always();
alter table neurolink_jobs disable trigger bench_always
