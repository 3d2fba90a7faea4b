-- The moment at which what is loaded for the lists ends.
-- One row: now text
select now()::text as now
