-- What is needed to build up one aggregate to its present state: what `load.sql` does, without the bounds of earlier times.
-- Starting the executor is most of what such a load costs.
--
-- $1 stream type, $2 stream id, $3 fingerprint or null, $4 last version at which a snapshot can be used, $5 idempotency key or
-- null, $6 whether metadata is wanted, $7 more events than there are.
--
-- The limit is none, but the planner does not know that: so it reads the events in the order of the index, and the first of
-- them is on its way while others are read. Without it, it may read all of them and sort them.
--
-- Answers as `load.sql` does. Indexes: events_stream_version (event), snapshots_pkey (snapshot), events_idempotency_key
-- (repeat), archived_streams_pkey.
select snapshot.version, snapshot.position,
       case when event.version is null or event.version = snapshot.version + 1 then snapshot.state end,
       repeat.version, repeat.append_size,
       event.version, event.position, event.event_type, event.schema_version, event.event_id,
       event.payload, case when $6 then event.metadata end, event.recorded_at,
       (select archived_at from "es".archived_streams where stream_type = $1 and stream_id = $2)
from (select) as always
left join (
    select version, position, state from "es".snapshots
    where stream_type = $1 and stream_id = $2 and fingerprint = $3 and version <= $4
) as snapshot on true
left join (
    select version, append_size from "es".events
    where stream_type = $1 and stream_id = $2 and idempotency_key = $5
) as repeat on true
left join lateral (
    select * from "es".events
    where stream_type = $1 and stream_id = $2 and version > coalesce(snapshot.version, 0)
    order by version
    limit $7
) as event on true
