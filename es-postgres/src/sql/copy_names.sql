-- What the appends of a page left beside their first events. $1 position before the page, $2 its last position.
-- Index: events_pkey.
select position, idempotency_key, append_size
from "es".events
where position > $1 and position <= $2 and idempotency_key is not null
