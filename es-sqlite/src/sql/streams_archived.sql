-- A page of the archived streams of one type: what `streams.sql` answers about all.
-- ?1 stream type, ?2 prefix of the ids, ?3 id before the page, ?4 size of the page.
-- Indexes: the primary key of es_archived_streams (page), sqlite_autoindex_es_events_1 (first, last).
select page.stream_id, last.version, last.position, first.recorded_at, last.recorded_at, page.archived_at
from (
    select stream_id, archived_at from es_archived_streams
    where stream_type = ?1 and stream_id >= ?2 and stream_id > ?3 and substr(stream_id, 1, length(?2)) = ?2
    order by stream_id
    limit ?4
) as page
join es_events as first on first.stream_type = ?1 and first.stream_id = page.stream_id and first.version = 1
join es_events as last on last.stream_type = ?1 and last.stream_id = page.stream_id and last.version = (
    select version from es_events
    where stream_type = ?1 and stream_id = page.stream_id
    order by version desc
    limit 1
)
order by page.stream_id
