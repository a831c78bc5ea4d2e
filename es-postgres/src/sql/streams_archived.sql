-- A page of the archived streams of one type: what `streams.sql` answers about all.
-- $1 stream type, $2 prefix of the ids, $3 id before the page, $4 size of the page.
-- Indexes: archived_streams_pkey, events_stream_version (first, last).
select page.stream_id, last.version, last.position, first.recorded_at, last.recorded_at, page.archived_at
from (
    select stream_id, archived_at from "es".archived_streams
    where stream_type = $1 and stream_id >= $2 and stream_id > $3
    order by stream_id
    limit $4
) as page
cross join lateral (
    select recorded_at from "es".events
    where stream_type = $1 and stream_id = page.stream_id
    order by version
    limit 1
) as first
cross join lateral (
    select version, position, recorded_at from "es".events
    where stream_type = $1 and stream_id = page.stream_id
    order by version desc
    limit 1
) as last
where starts_with(page.stream_id, $2)
order by page.stream_id
