-- Says something to whoever listens for the doctor: itself, on its other connection.
-- Parameters: $1 word text
-- Rows: one, empty
select pg_notify('neurolink_doctor', $1)
