-- What is needed to build up one aggregate, in one statement and so from one snapshot of the database.
--
-- $1 stream type, $2 stream id, $3 fingerprint or null, $4 last version that is wanted, $5 last time that is wanted
-- or null, $6 last version at which a snapshot can be used, $7 idempotency key or null, $8 whether metadata is wanted,
-- $9 last position that is wanted or null, $10 more events than there are: see `load_latest.sql`.
--
-- Answers at least one row: snapshot, repeat and when the stream was archived stand on each, the snapshot's state only on
-- the first, and the events behind the snapshot one by one. Time stops at the first event recorded later: the longest run
-- from the beginning. Positions rise with versions, so the newest event at a position or before is looked for from the
-- stream's end.
-- Indexes: events_stream_version (events, bound), snapshots_pkey (snapshot), events_idempotency_key (repeat),
-- archived_streams_pkey.
with bound as materialized (
    select least($4::bigint, case when $5::timestamptz is not null then (
        select min(version) - 1 from "es".events
        where stream_type = $1 and stream_id = $2 and recorded_at > $5
    ) end, case when $9::bigint is not null then coalesce((
        select version from "es".events
        where stream_type = $1 and stream_id = $2 and position <= $9
        order by version desc
        limit 1
    ), 0) end) as version
), snapshot as materialized (
    select snapshots.version, snapshots.position, snapshots.state
    from "es".snapshots, bound
    where stream_type = $1 and stream_id = $2 and fingerprint = $3
      and snapshots.version <= least(bound.version, $6)
), repeat as materialized (
    select version, append_size from "es".events
    where stream_type = $1 and stream_id = $2 and idempotency_key = $7
)
select snapshot.version, snapshot.position,
       case when event.version is null or event.version = snapshot.version + 1 then snapshot.state end,
       repeat.version, repeat.append_size,
       event.version, event.position, event.event_type, event.schema_version, event.event_id,
       event.payload, case when $8 then event.metadata end, event.recorded_at,
       (select archived_at from "es".archived_streams where stream_type = $1 and stream_id = $2)
from bound
left join snapshot on true
left join repeat on true
left join lateral (
    select * from "es".events
    where stream_type = $1 and stream_id = $2
      and version > coalesce(snapshot.version, 0) and version <= bound.version
    order by version
    limit $10
) as event on true
