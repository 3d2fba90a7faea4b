-- Sets somebody's channel switches, all of them. Saying again what is there changes nothing.
-- $1 user text, $2 channels (JSON text)
insert into neurolink_user_preferences as p (user_id, channels)
values ($1, $2::text::jsonb)
on conflict (user_id) do update set channels = excluded.channels, updated_at = now()
 where p.channels is distinct from excluded.channels
