-- A page of the streams of one type, each with its first and its last event.
--
-- The index is not read from end to end: from each stream the next is looked up behind it, so that a page costs as much
-- as it has streams, however many events they have. A prefix has no upper bound that would be right for all bytes, so
-- the search begins at the prefix and ends at the first stream without it.
--
-- $1 stream type, $2 prefix of the ids, $3 id before the page, $4 size of the page.
-- Indexes: events_stream_version (first, next, last), archived_streams_pkey.
with recursive page as (
    select first.stream_id, first.recorded_at, 1::bigint as number
    from (
        select stream_id, recorded_at from "es".events
        where stream_type = $1 and stream_id >= $2 and stream_id > $3
        order by stream_id, version
        limit 1
    ) as first
    where starts_with(first.stream_id, $2)
    union all
    select next.stream_id, next.recorded_at, page.number + 1
    from page
    cross join lateral (
        select stream_id, recorded_at from "es".events
        where stream_type = $1 and stream_id > page.stream_id
        order by stream_id, version
        limit 1
    ) as next
    where page.number < $4 and starts_with(next.stream_id, $2)
)
select page.stream_id, last.version, last.position, page.recorded_at, last.recorded_at, archived.archived_at
from page
cross join lateral (
    select version, position, recorded_at from "es".events
    where stream_type = $1 and stream_id = page.stream_id
    order by version desc
    limit 1
) as last
left join lateral (
    select archived_at from "es".archived_streams
    where stream_type = $1 and stream_id = page.stream_id
    limit 1
) as archived on true
order by page.number
