-- One append of one event, as most are: what `append.sql` does, without the arrays. The parser and the executor's start are
-- most of what a lone append costs.
--
-- $1 stream type, $2 stream id, $3 and $4 lowest and highest version that is expected, $5 idempotency key or null, $6 event
-- id, $7 event type, $8 schema version, $9 payload, $10 metadata, $11 how long to wait for a transaction that has written to
-- the stream and stays open.
--
-- Answers where the event was stored with its stream, version, position and time, and with no row where it was not:
-- `append.sql` says why.
-- Indexes: events_stream_version (head), events_idempotency_key (repeat), archived_streams_pkey (archived).
insert into "es".events
    (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata, idempotency_key, append_size)
select $1, $2, head.version + 1, $7, $8, $6, $9::jsonb, $10::jsonb, $5, case when $5 is not null then 1 end
from (
    select coalesce((
        select version from "es".events
        where stream_type = $1 and stream_id = $2 and version >= $3
        order by version desc
        limit 1
    ), 0) as version
    -- Or this would be looked up once for each place where it stands.
    offset 0
) as head
where (select set_config('lock_timeout', $11, true)) is not null
  and head.version between $3 and $4
  and not exists (
      select from "es".events where stream_type = $1 and stream_id = $2 and idempotency_key = $5
  )
  and not exists (select from "es".archived_streams where stream_type = $1 and stream_id = $2)
returning stream_type, stream_id, version, position, recorded_at
