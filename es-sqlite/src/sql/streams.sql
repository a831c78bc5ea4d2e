-- A page of the streams of one type, each with its first and its last event.
--
-- The index is not read from end to end: from each stream the next is looked up behind it, so that a page costs as much
-- as it has streams, however many events they have. A prefix has no upper bound that would be right for all bytes, so
-- the search begins at the prefix and ends at the first stream without it.
--
-- ?1 stream type, ?2 prefix of the ids, ?3 id before the page, ?4 size of the page.
-- Indexes: sqlite_autoindex_es_events_1 (first, next, last), the primary key of es_archived_streams.
with recursive page (stream_id, number) as materialized (
    select (
        select stream_id from es_events
        where stream_type = ?1 and stream_id >= ?2 and stream_id > ?3
        order by stream_id
        limit 1
    ), 1
    union all
    select (
        select stream_id from es_events
        where stream_type = ?1 and stream_id > page.stream_id
        order by stream_id
        limit 1
    ), page.number + 1
    from page
    -- Behind the last stream, or the last with the prefix, comes one that is left out below.
    where page.number < ?4 and substr(page.stream_id, 1, length(?2)) = ?2
)
select page.stream_id, last.version, last.position, first.recorded_at, last.recorded_at, archived.archived_at
from page
join es_events as first on first.stream_type = ?1 and first.stream_id = page.stream_id and first.version = 1
join es_events as last on last.stream_type = ?1 and last.stream_id = page.stream_id and last.version = (
    select version from es_events
    where stream_type = ?1 and stream_id = page.stream_id
    order by version desc
    limit 1
)
left join es_archived_streams as archived on archived.stream_type = ?1 and archived.stream_id = page.stream_id
where substr(page.stream_id, 1, length(?2)) = ?2
order by page.number
