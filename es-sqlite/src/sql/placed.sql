-- Where a run of one stream's events stands. ?1 stream type, ?2 stream id, ?3 first and ?4 last version.
-- Index: sqlite_autoindex_es_events_1.
select version, position, recorded_at, event_id
from es_events
where stream_type = ?1 and stream_id = ?2 and version between ?3 and ?4
order by version
