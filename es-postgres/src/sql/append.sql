-- One append in one statement: look for a repeat, compare the version, draw positions, insert.
--
-- A stale writer gets no row from `head` past the guard, so it draws no position. A true race, two writers at one
-- version, ends in the unique index `events_stream_version`.
--
-- $1 stream type, $2 stream id, $3 and $4 lowest and highest version that is expected, $5 idempotency key or null,
-- $6 event ids, $7 event types, $8 schema versions, $9 payloads, $10 metadata, $11 how long to wait for a transaction
-- that has written to the stream and stays open.
--
-- Answers at least one row: 1, the version before, the repeat if there is one, a row for each event inserted, whether the
-- stream is archived, and, where the stream is ahead, which event stands behind the version that was expected. So do many
-- appends in `append_many.sql`.
-- Indexes: events_stream_version (head), events_idempotency_key (repeat), archived_streams_pkey (archived).
with patience as materialized (
    select set_config('lock_timeout', $11, true)
), head as materialized (
    -- A look at the end of a stream reads all of its entries on that page of the index. From the lowest expected version
    -- on there is one at the most, or a conflict.
    select coalesce((
        select version from "es".events
        where stream_type = $1 and stream_id = $2 and version >= $3
        order by version desc
        limit 1
    ), case when $3 > 0 then (
        select version from "es".events
        where stream_type = $1 and stream_id = $2
        order by version desc
        limit 1
    ) end, 0) as version
    from patience
), repeat as materialized (
    select version, append_size from "es".events
    where stream_type = $1 and stream_id = $2 and idempotency_key = $5
), archived as materialized (
    select exists (select from "es".archived_streams where stream_type = $1 and stream_id = $2) as archived
), inserted as (
    insert into "es".events
        (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata,
         idempotency_key, append_size)
    select $1, $2, head.version + new.ordinal, new.event_type, new.schema_version, new.event_id,
           new.payload::jsonb, new.metadata::jsonb,
           case when new.ordinal = 1 then $5 end,
           case when new.ordinal = 1 and $5 is not null then cardinality($6) end
    from head, archived,
         unnest($6::uuid[], $7::text[], $8::integer[], $9::text[], $10::text[])
             with ordinality as new (event_id, event_type, schema_version, payload, metadata, ordinal)
    where head.version between $3 and $4
      and not exists (select from repeat)
      and not archived.archived
    -- Positions are drawn in the order of the versions, whatever plan is chosen.
    order by new.ordinal
    returning version, position, recorded_at
)
select 1::bigint, head.version, repeat.version, repeat.append_size, inserted.version, inserted.position, inserted.recorded_at,
       archived.archived,
       case when head.version > $4 then (
           select event_id from "es".events where stream_type = $1 and stream_id = $2 and version = $4 + 1
       ) end
from head cross join archived
left join repeat on true
left join inserted on true
