-- Many appends in one statement, each to a stream of its own: what `append.sql` does, for each by itself.
--
-- $1 stream types, $2 stream ids, $3 and $4 lowest and highest versions that are expected, $5 idempotency keys or nulls,
-- $6 numbers of events: one of each per append, in the order of the streams' names. Of the events, append by append:
-- $7 the number of the append and $8 the number within it, both from 1, $9 event ids, $10 event types, $11 schema
-- versions, $12 payloads, $13 metadata. $14 how long to wait for a transaction that has written to one of the streams and stays open.
--
-- Answers at least one row for each append: its number, the version before, the repeat if there is one, a row for each
-- event inserted, whether the stream is archived, and, where the stream is ahead, which event stands behind the version
-- that was expected.
-- Indexes: events_stream_version (head), events_idempotency_key (repeat), archived_streams_pkey (archived).
with patience as materialized (
    select set_config('lock_timeout', $14, true)
), guard as materialized (
    select request.*,
           coalesce(head.version, case when request.lowest > 0 then (
               select version from "es".events
               where stream_type = request.stream_type and stream_id = request.stream_id
               order by version desc
               limit 1
           ) end, 0) as version,
           repeat.version as repeat_version, repeat.append_size as repeat_size, archived.archived is not null as archived
    from patience
    cross join unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::integer[])
        with ordinality as request (stream_type, stream_id, lowest, highest, idempotency_key, size, number)
    -- The limits keep these from being joined in any other way than by one look into the index for each append. A look
    -- at the end of a stream reads all of the stream's entries on its page of the index; from the lowest version that is
    -- expected on there is one at the most, or a conflict.
    left join lateral (
        select version from "es".events
        where stream_type = request.stream_type and stream_id = request.stream_id and version >= request.lowest
        order by version desc
        limit 1
    ) as head on true
    left join lateral (
        select version, append_size from "es".events
        where stream_type = request.stream_type and stream_id = request.stream_id
          and idempotency_key = request.idempotency_key
        limit 1
    ) as repeat on true
    -- Where no stream at all is archived, that is found out once, and this costs nothing.
    left join lateral (
        select true as archived from "es".archived_streams
        where (select exists (select from "es".archived_streams))
          and stream_type = request.stream_type and stream_id = request.stream_id
        limit 1
    ) as archived on true
), inserted as (
    insert into "es".events
        (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata,
         idempotency_key, append_size)
    select guard.stream_type, guard.stream_id, guard.version + new.place, new.event_type, new.schema_version,
           new.event_id, new.payload::jsonb, new.metadata::jsonb,
           case when new.place = 1 then guard.idempotency_key end,
           case when new.place = 1 and guard.idempotency_key is not null then guard.size end
    from guard
    join unnest($7::bigint[], $8::bigint[], $9::uuid[], $10::text[], $11::integer[], $12::text[], $13::text[])
        with ordinality as new (number, place, event_id, event_type, schema_version, payload, metadata, ordinal)
        on new.number = guard.number
    where guard.version between guard.lowest and guard.highest
      and guard.repeat_version is null
      and not guard.archived
    -- Positions are drawn in the order of the versions, and streams are locked in the order of their names, whatever
    -- plan is chosen.
    order by new.ordinal
    returning stream_type, stream_id, version, position, recorded_at
)
select guard.number, guard.version, guard.repeat_version, guard.repeat_size,
       inserted.version, inserted.position, inserted.recorded_at, guard.archived,
       case when guard.version > guard.highest then (
           select event_id from "es".events
           where stream_type = guard.stream_type and stream_id = guard.stream_id and version = guard.highest + 1
       ) end
from guard
left join inserted on inserted.stream_type = guard.stream_type and inserted.stream_id = guard.stream_id
