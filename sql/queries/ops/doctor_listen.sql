-- Listens for the doctor's own word.
-- Parameters: none
-- Rows: none
listen neurolink_doctor
