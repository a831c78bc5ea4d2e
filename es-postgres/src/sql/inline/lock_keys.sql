-- Locks rows, whether they are there or not, until the transaction ends; always in one order, so that no two who lock
-- several wait for each other.
--
-- $1 a text for each row, of which two may come to share a lock.
select pg_advisory_xact_lock(number)
from (select distinct hashtextextended(name, 0) as number from unnest($1::text[]) as names (name) order by number) as rows
