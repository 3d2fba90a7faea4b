-- Purpose: takes a ticket that still holds. Of two who come with the same one, the second finds nothing.
-- Parameters: $1 SHA-256 of the ticket bytea
-- Rows: one: principal, or none
delete from neurolink_stream_tickets where hash = $1 and expires_at > now() returning principal
