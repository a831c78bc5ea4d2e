-- A page of those events of all streams that pass a filter; for the answer see `read_all.sql`.
--
-- $1 position before the page, $2 last position that may be read, $3 size of the page, $4 event types or null, $5 stream
-- types or null, $6 and $7 stream types and ids of the streams or null.
--
-- No further index serves the filter, because every append would pay for it: each event up to $2 is looked at. "or null"
-- keeps the planner from taking the streams' index and sorting all that it finds there.
-- Index: events_pkey.
with bound as materialized (
    select case when pg_is_in_recovery()
        then least($2::bigint, coalesce((select stored.position from "es".frontier as stored), 0))
        else $2::bigint
    end as position
)
(
    select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
    from "es".events
    where position > $1 and position <= (select position from bound)
      and ($4::text[] is null or event_type = any($4))
      and ($5::text[] is null or stream_type = any($5))
      and ($6::text[] is null or (stream_type, stream_id) in (select * from unnest($6::text[], $7::text[])))
    order by position
    limit $3
)
union all
select null, position, null, null, null, null, null, null, null, null from bound
