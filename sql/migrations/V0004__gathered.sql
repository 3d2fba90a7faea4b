-- What is gathered for a digest may be of no use by then, and one thing alone is told with its rule's own mail.
alter table neurolink_digest_items add column expires_at timestamptz, add column mail text;
comment on column neurolink_digest_items.expires_at is 'From then on it is of no use, and is withdrawn instead of told';
comment on column neurolink_digest_items.mail is 'JSON: the rule''s own email_subject, email_html and sms_body, for one thing that is told alone; null = it has none';
