-- The events that were set aside, as a page of events, and why. $1 name, $2 version, $3 the most.
-- Indexes: dead_letters_pkey, events_pkey.
select events.version, events.position, event_type, schema_version, event_id, payload, metadata, recorded_at,
       stream_type, stream_id, letters.shard, letters.key, letters.skipped, letters.failure
from "es".dead_letters as letters
join "es".events on events.position = letters.position
where letters.name = $1 and letters.version = $2
order by letters.position, letters.shard, letters.key
limit $3
