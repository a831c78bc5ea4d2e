-- Events that this transaction has stored, as any reader will see them. $1 positions. Index: events_pkey.
select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
from "es".events
where position = any($1)
order by position
