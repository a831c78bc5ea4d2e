-- Which event stands at a position, if there is one, and whether this is a standby, to which it may be still to come.
-- $1 position. Index: events_pkey.
select event.event_id, pg_is_in_recovery()
from (select) as always
left join "es".events as event on event.position = $1
