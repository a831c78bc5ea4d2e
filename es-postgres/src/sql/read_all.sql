-- A page of all streams. $1 position before the page, $2 last position that is settled, $3 size of the page.
--
-- On a standby a position counts as settled only if the record of that was replicated to it and is seen in this very
-- snapshot: another standby, or this one before it was started again, may have been further on. So one row more, without a
-- version, says in its position up to where was looked. It is a row of its own, and no column of a join, because a join
-- costs each event its way through one more step. The rows come in no promised order.
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
    order by position
    limit $3
)
union all
select null, position, null, null, null, null, null, null, null, null from bound
