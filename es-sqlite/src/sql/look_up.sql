-- What there is to know before appends are decided upon, for each of them: the last version of its stream, whether that is
-- archived, and where an append of its name stands; and for all: the history, the last position, the last time, and
-- which read models change with the appends.
--
-- ?1 a JSON array with an array for each: stream type, stream id, idempotency key or null.
-- Indexes: sqlite_autoindex_es_events_1 (head), es_events_idempotency_key (repeat), the primary keys.
select asked.key,
       coalesce((
           select version from es_events
           where stream_type = asked.value ->> 0 and stream_id = asked.value ->> 1
           order by version desc
           limit 1
       ), 0),
       exists (
           select 1 from es_archived_streams
           where stream_type = asked.value ->> 0 and stream_id = asked.value ->> 1
       ),
       repeat.version, repeat.append_size,
       (select id from es_history),
       coalesce((select position from es_events order by position desc limit 1), 0),
       coalesce((select recorded_at from es_events order by position desc limit 1), 0),
       (select json_group_array(json_array(name, version, json(events)) order by name, version) from es_inline_read_models)
from json_each(?1) as asked
left join es_events as repeat
    on repeat.stream_type = asked.value ->> 0 and repeat.stream_id = asked.value ->> 1
   and repeat.idempotency_key = asked.value ->> 2
