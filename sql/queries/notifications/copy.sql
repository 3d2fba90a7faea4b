-- Notifications of a large batch, their revisions taken: the second half of insert.sql, copied.
copy neurolink_notifications
     (id, user_id, in_app, rev, event_id, rule_id, rule_version, source_module, event_type, entity_type, entity_id, branch_id,
      category, severity, locale, title, body, action_url, action_label, step, expires_at)
from stdin (format binary)
