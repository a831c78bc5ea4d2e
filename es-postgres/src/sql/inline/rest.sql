-- The events of some types behind a position, with no regard for the frontier: asked while nobody else writes.
--
-- $1 the position, $2 event types, $3 how many. Index: events_pkey.
select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
from "es".events
where position > $1 and event_type = any($2)
order by position
limit $3
