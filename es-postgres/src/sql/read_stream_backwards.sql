-- A page of one stream, by falling version. $1 stream type, $2 stream id, $3 version before all that is wanted, $4 version
-- behind the page, $5 size of the page. Index: events_stream_version, from its end, so that a page reads no more than it gives.
select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
from "es".events
where stream_type = $1 and stream_id = $2 and version > $3 and version < $4
order by version desc
limit $5
