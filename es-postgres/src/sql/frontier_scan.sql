-- What can be seen behind a position: the last position that follows it without a hole, the last of all that were looked
-- at, and how many those were. $1 position, $2 how many to look at. Index: events_pkey.
select pg_is_in_recovery(),
       max(position) filter (where position = $1 + place),
       max(position),
       count(*)
from (
    select position, row_number() over (order by position) as place
    from "es".events
    where position > $1
    order by position
    limit $2
) as next
