-- A page of all streams. $1 position before the page, $2 last position that may be read, $3 size of the page.
-- Index: events_pkey.
select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
from "es".events
where position > $1 and position <= $2
order by position
limit $3
