-- Begins a look that changes nothing and waits for nobody. For this transaction alone: a pooler may give the connection to others.
-- Parameters: none
-- Rows: none
begin transaction read only;
set local statement_timeout = '4s';
set local lock_timeout = '1s'
