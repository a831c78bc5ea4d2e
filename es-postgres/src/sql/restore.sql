-- Restores a stream, unless it is in use already, and says whether there is such a stream.
-- $1 stream type, $2 stream id. Indexes: events_stream_version, archived_streams_pkey.
with restored as (
    delete from "es".archived_streams where stream_type = $1 and stream_id = $2
)
select exists (select from "es".events where stream_type = $1 and stream_id = $2)
