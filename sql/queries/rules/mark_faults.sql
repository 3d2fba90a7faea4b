-- Says what is wrong with versions of rules that could not be compiled, and takes back what no longer holds (a newer
-- binary may understand what an older one did not).
-- $1 rule bigint[], $2 version int[], $3 place text[], $4 detail text[]
with found as (
    select * from unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) as f (rule_id, version, place, detail)
), healed as (
    delete from neurolink_rule_faults f
     where f.kind = 'compile'
       and not exists (select from found where found.rule_id = f.rule_id and found.version = f.version)
       and exists (select from neurolink_notification_rules r where r.id = f.rule_id and r.version = f.version and r.enabled)
)
insert into neurolink_rule_faults (rule_id, version, kind, place, detail)
select rule_id, version, 'compile', place, detail from found
on conflict (rule_id, version) do update set place = excluded.place, detail = excluded.detail
 where (neurolink_rule_faults.place, neurolink_rule_faults.detail) is distinct from (excluded.place, excluded.detail)
