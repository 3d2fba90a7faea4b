-- Says for the rest of the transaction who acts (neurolink_actor), so that triggers and the audit log know.
-- $1 actor text: a token's subject
select set_config('neurolink.actor', $1, true)
