-- A page of all streams. $1 position before the page, $2 last position that is settled, $3 size of the page.
--
-- On a standby a position counts as settled only if the record of that was replicated to it and is seen in this very
-- snapshot: another standby, or this one before it was started again, may have been further on. So at least one row says,
-- in its last column, up to where was looked; it has no event where there is none. The rows come in no promised order.
-- Index: events_pkey.
with bound as materialized (
    select case when pg_is_in_recovery()
        then least($2::bigint, coalesce((select stored.position from "es".frontier as stored), 0))
        else $2::bigint
    end as position
)
select event.*, bound.position
from bound
left join lateral (
    select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
    from "es".events
    where position > $1 and position <= bound.position
    order by position
    limit $3
) as event on true
