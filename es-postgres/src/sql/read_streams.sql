-- A page of the events of a few streams, by position; for the answer see `read_all.sql`.
--
-- $1 position before the page, $2 last position that may be read, $3 size of the page, $4 event types or null, $5 stream
-- types or null, $6 and $7 stream types and ids of the streams.
--
-- In a stream positions rise with the versions, so where to go on is found by halving: each step looks at the event in
-- the middle of what is left. Where that event is not there it stops, and what is read begins earlier than it need.
-- "is true" keeps the planner from looking up all positions of the page in events_pkey.
-- Index: events_stream_version.
with recursive bound as materialized (
    select case when pg_is_in_recovery()
        then least($2::bigint, coalesce((select stored.position from "es".frontier as stored), 0))
        else $2::bigint
    end as position
), wanted as materialized (
    select distinct stream_type collate "C" as stream_type, stream_id collate "C" as stream_id
    from unnest($6::text[], $7::text[]) as wanted (stream_type, stream_id)
    where $5::text[] is null or stream_type = any($5)
), search as (
    -- Up to `low` all is before the page; behind `high` nothing is known to be.
    select wanted.stream_type, wanted.stream_id, 0::bigint as low, head.version as high
    from wanted, lateral (
        select version from "es".events
        where stream_type = wanted.stream_type and stream_id = wanted.stream_id
        order by version desc
        limit 1
    ) as head
    union all
    select search.stream_type, search.stream_id,
           case when middle.position <= $1 then middle.version else search.low end,
           case when middle.position <= $1 then search.high else middle.version - 1 end
    from search, lateral (
        select version, position from "es".events
        where stream_type = search.stream_type and stream_id = search.stream_id
          and version = (search.low + search.high + 1) / 2
    ) as middle
    where search.low < search.high
), found as materialized (
    select stream_type, stream_id, max(low) as version from search group by stream_type, stream_id
), page as materialized (
    select event.*
    from found, bound, lateral (
        select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at,
               stream_type, stream_id
        from "es".events
        where stream_type = found.stream_type and stream_id = found.stream_id and version > found.version
          and (position > $1 and position <= bound.position) is true
          and ($4::text[] is null or event_type = any($4))
        order by version
        limit $3
    ) as event
    order by event.position
    limit $3
)
select * from page
union all
select null, position, null, null, null, null, null, null, null, null from bound
