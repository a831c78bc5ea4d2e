-- Many appends in one statement, of which some follow others to the same stream: what `append_many.sql` does, with room
-- for those before. A statement of its own, because the ordinary case should not pay for this.
--
-- Whether the first of a stream is stored is decided by the version that the stream has. Those behind it expect no
-- version, and have names of their own: each is stored, unless its name stands already, behind what is really stored of
-- those before it.
--
-- $1 stream types, $2 stream ids, $3 and $4 lowest and highest versions that are expected, $5 idempotency keys or nulls,
-- $6 numbers of events: one of each per append, in the order of the streams' names, those of one stream in their order. Of
-- the events, append by append: $7 the number of the append and $8 the number within it, both from 1, $9 event ids, $10
-- event types, $11 schema versions, $12 payloads, $13 metadata. $14 how long to wait for a transaction that has written to
-- one of the streams and stays open.
--
-- Answers at least one row for each append: its number, the stream's version before all of them, the repeat if there is
-- one, a row for each event inserted, whether the stream is archived, and, where the stream is ahead, which event stands
-- behind the version that was expected.
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
), chained as materialized (
    select fitting.*,
           version + coalesce(sum(size) filter (where fits) over (
               partition by stream_type, stream_id
               order by number
               rows between unbounded preceding and 1 preceding
           ), 0) as behind
    from (
        select guard.*, version between lowest and highest and repeat_version is null and not archived as fits from guard
    ) as fitting
), inserted as (
    insert into "es".events
        (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata,
         idempotency_key, append_size)
    select chained.stream_type, chained.stream_id, chained.behind + new.place, new.event_type, new.schema_version,
           new.event_id, new.payload::jsonb, new.metadata::jsonb,
           case when new.place = 1 then chained.idempotency_key end,
           case when new.place = 1 and chained.idempotency_key is not null then chained.size end
    from chained
    join unnest($7::bigint[], $8::bigint[], $9::uuid[], $10::text[], $11::integer[], $12::text[], $13::text[])
        with ordinality as new (number, place, event_id, event_type, schema_version, payload, metadata, ordinal)
        on new.number = chained.number
    where chained.fits
    -- Positions are drawn in the order of the versions, and streams are locked in the order of their names, whatever
    -- plan is chosen.
    order by new.ordinal
    returning stream_type, stream_id, version, position, recorded_at
)
select chained.number, chained.version, chained.repeat_version, chained.repeat_size,
       inserted.version, inserted.position, inserted.recorded_at, chained.archived,
       case when chained.version > chained.highest then (
           select event_id from "es".events
           where stream_type = chained.stream_type and stream_id = chained.stream_id and version = chained.highest + 1
       ) end
from chained
left join inserted
    on chained.fits
   and inserted.stream_type = chained.stream_type and inserted.stream_id = chained.stream_id
   and inserted.version > chained.behind and inserted.version <= chained.behind + chained.size
