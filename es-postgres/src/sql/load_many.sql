-- What is needed to build up many aggregates: what `load.sql` does, for each by itself, to its present state.
--
-- $1 stream types, $2 stream ids, $3 fingerprints or nulls, $4 last versions at which a snapshot can be used,
-- $5 idempotency keys or nulls, $6 whether metadata is wanted: one of each per load. $7 how many events of one stream are
-- read at the most.
--
-- Answers at least one row for each load: its number from 1, and the columns of `load.sql`.
-- Indexes: events_stream_version (event), snapshots_pkey (snapshot), events_idempotency_key (repeat),
-- archived_streams_pkey (archived).
select request.number,
       snapshot.version, snapshot.position,
       case when event.version is null or event.version = snapshot.version + 1 then snapshot.state end,
       repeat.version, repeat.append_size,
       event.version, event.position, event.event_type, event.schema_version, event.event_id,
       event.payload, case when request.metadata then event.metadata end, event.recorded_at,
       archived.archived_at
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::boolean[]) with ordinality
    as request (stream_type, stream_id, fingerprint, snapshot_at_most, idempotency_key, metadata, number)
-- The limits keep these from being joined in any other way than by one look into the index for each load.
left join lateral (
    select version, position, state from "es".snapshots
    where stream_type = request.stream_type and stream_id = request.stream_id
      and fingerprint = request.fingerprint and version <= request.snapshot_at_most
    limit 1
) as snapshot on true
left join lateral (
    select version, append_size from "es".events
    where stream_type = request.stream_type and stream_id = request.stream_id
      and idempotency_key = request.idempotency_key
    limit 1
) as repeat on true
-- Where no stream at all is archived, that is found out once, and this costs nothing.
left join lateral (
    select archived_at from "es".archived_streams
    where (select exists (select from "es".archived_streams))
      and stream_type = request.stream_type and stream_id = request.stream_id
    limit 1
) as archived on true
left join lateral (
    select * from "es".events
    where stream_type = request.stream_type and stream_id = request.stream_id
      and version > coalesce(snapshot.version, 0)
    order by version
    limit $7
) as event on true
