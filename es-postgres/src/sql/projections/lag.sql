-- How many events behind a position are of some types, up to a number, and how long ago the oldest of them was recorded, in
-- microseconds. Visible ones that are not settled yet are still to come, too.
--
-- $1 the position, $2 event types, $3 the most. Index: events_pkey; no further index serves the types, because every append
-- would pay for it.
select count(*), (extract(epoch from clock_timestamp() - min(recorded_at)) * 1000000)::bigint
from (
    select recorded_at from "es".events
    where position > $1 and event_type = any($2)
    order by position
    limit $3
) as behind
