-- Takes a person away. Their inbox and preferences stay: an ERP that puts them in again finds them as they were.
-- $1 id text
delete from neurolink_users where id = $1
