-- Sets somebody's preferences, all of them. Saying again what is there changes nothing.
-- $1 user text, $2 channels (JSON text), $3 quiet hours (JSON text; null = none), $4 digests (JSON text; null = none)
insert into neurolink_user_preferences as p (user_id, channels, quiet_hours, digest)
values ($1, $2::text::jsonb, $3::text::jsonb, $4::text::jsonb)
on conflict (user_id) do update
   set channels = excluded.channels, quiet_hours = excluded.quiet_hours, digest = excluded.digest, updated_at = now()
 where (p.channels, p.quiet_hours, p.digest) is distinct from (excluded.channels, excluded.quiet_hours, excluded.digest)
