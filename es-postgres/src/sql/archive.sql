-- Archives a stream, unless it is archived already, and says whether there is such a stream.
-- $1 stream type, $2 stream id. Indexes: events_stream_version, archived_streams_pkey.
with stream as materialized (
    select $1::text as stream_type, $2::text as stream_id
    where exists (select from "es".events where stream_type = $1 and stream_id = $2)
), archived as (
    insert into "es".archived_streams (stream_type, stream_id)
    select stream_type, stream_id from stream
    on conflict do nothing
)
select exists (select from stream)
