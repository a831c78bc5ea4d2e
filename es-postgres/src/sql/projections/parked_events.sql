-- The parked events of a key, as a page of events. $1 name, $2 version, $3 shard, $4 key, $5 the most.
-- Indexes: dead_letters_parked, events_pkey.
select events.version, events.position, event_type, schema_version, event_id, payload, metadata, recorded_at,
       stream_type, stream_id
from "es".dead_letters as letters
join "es".events on events.position = letters.position
where letters.name = $1 and letters.version = $2 and letters.shard = $3 and letters.key = $4 and not letters.skipped
order by letters.position
limit $5
