-- Many appends of one event each, to a stream each, as most are: what `append_one.sql` does, for each by itself. Those that fit
-- are stored, and of the others nothing is said: looking for reasons, and joining them to what was inserted, is what costs most
-- in `append_many.sql`.
--
-- One of each per append, in the order of the streams' names: $1 stream types, $2 stream ids, $3 and $4 lowest and highest
-- versions that are expected, $5 idempotency keys or nulls, $6 event ids, $7 event types, $8 schema versions, $9 payloads,
-- $10 metadata. $11 how long to wait for a transaction that has written to one of the streams and stays open.
--
-- Answers a row for each event that was stored: its stream, version, position and time.
-- Indexes: events_stream_version (head), events_idempotency_key (repeat), archived_streams_pkey (archived).
insert into "es".events
    (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, idempotency_key, append_size)
select new.stream_type, new.stream_id, head.version + 1, new.event_type, new.schema_version, new.event_id,
       new.payload::jsonb, new.metadata::jsonb, new.idempotency_key, case when new.idempotency_key is not null then 1 end
-- In a list of results the arrays are taken apart side by side; behind `from` each would be written down first.
from (
    select unnest($1::text[]) as stream_type, unnest($2::text[]) as stream_id,
           unnest($3::bigint[]) as lowest, unnest($4::bigint[]) as highest, unnest($5::text[]) as idempotency_key,
           unnest($6::uuid[]) as event_id, unnest($7::text[]) as event_type, unnest($8::integer[]) as schema_version,
           unnest($9::text[]) as payload, unnest($10::text[]) as metadata, generate_subscripts($1::text[], 1) as ordinal
) as new
cross join lateral (
    select coalesce((
        select version from "es".events
        where stream_type = new.stream_type and stream_id = new.stream_id and version >= new.lowest
        order by version desc
        limit 1
    ), 0) as version
    -- Or this would be looked up once for each place where it stands.
    offset 0
) as head
where (select set_config('lock_timeout', $11, true)) is not null
  and head.version between new.lowest and new.highest
  -- The limits keep these from being joined in any other way than by one look into the index for each append.
  and (new.idempotency_key is null or (
      select true from "es".events
      where stream_type = new.stream_type and stream_id = new.stream_id and idempotency_key = new.idempotency_key
      limit 1
  ) is null)
  -- Where no stream at all is archived, that is found out once, and this costs nothing.
  and (not (select exists (select from "es".archived_streams)) or (
      select true from "es".archived_streams where stream_type = new.stream_type and stream_id = new.stream_id limit 1
  ) is null)
-- Positions are drawn, and streams are locked, in the order of the streams' names, whatever plan is chosen.
order by new.ordinal
returning stream_type, stream_id, version, position, recorded_at
