-- What is needed to build up one aggregate, in one view of the data.
--
-- ?1 stream type, ?2 stream id, ?3 fingerprint or null, ?4 last version at which a snapshot can be used, ?5 idempotency key or
-- null, ?6 whether metadata is wanted, ?7 last version, ?8 last time or null, ?9 last position or null.
--
-- Answers at least one row, the events in the order in which their index has them, because a sort would hold all of them
-- first: the history; version, position and state of the snapshot, the state on the first row only; where an
-- append of the key stands, and its size; when the stream was archived; and an event.
-- Indexes: sqlite_autoindex_es_events_1 (event, until), es_events_idempotency_key (repeat), the primary keys.
with until as materialized (
    -- Within a stream neither times nor positions run backwards: up to the last version all are early enough.
    select case when ?8 is null and ?9 is null then ?7 else coalesce((
        select version from es_events
        where stream_type = ?1 and stream_id = ?2 and (?8 is null or recorded_at <= ?8) and (?9 is null or position <= ?9)
        order by version desc
        limit 1
    ), 0) end as version
), snapshot as materialized (
    select version, position, state from es_snapshots
    where stream_type = ?1 and stream_id = ?2 and fingerprint = ?3 and version <= ?4
      and version <= (select version from until)
)
select (select id from es_history),
       snapshot.version, snapshot.position,
       case when event.version is null or event.version = snapshot.version + 1 then snapshot.state end,
       repeat.version, repeat.append_size,
       (select archived_at from es_archived_streams where stream_type = ?1 and stream_id = ?2),
       event.version, event.position, event.event_type, event.schema_version, event.event_id, event.payload,
       case when ?6 then event.metadata else '{}' end, event.recorded_at
from (select 1) as always
left join snapshot on true
left join es_events as repeat
    on repeat.stream_type = ?1 and repeat.stream_id = ?2 and repeat.idempotency_key = ?5
left join es_events as event
    on event.stream_type = ?1 and event.stream_id = ?2
   and event.version > coalesce(snapshot.version, 0) and event.version <= (select version from until)
