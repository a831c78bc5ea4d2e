-- What can be seen and what is stored of the order of all events. One row. Index: events_pkey.
select pg_is_in_recovery(), (select max(position) from "es".events), stored.position, stored.settled_at
from (select) as always
left join "es".frontier as stored on true
