-- The stream type that follows another. $1 the other; empty for the first of all. Index: events_stream_version.
select stream_type from "es".events
where stream_type > $1
order by stream_type
limit 1
