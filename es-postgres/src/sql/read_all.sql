-- A page of all streams. $1 position before the page, $2 last position that is settled, $3 size of the page.
--
-- On a standby a position counts as settled only if the record of that was replicated to it and is seen in this very
-- snapshot: another standby, or this one before it was started again, may have been further on.
-- Index: events_pkey.
select version, position, event_type, schema_version, event_id, payload, metadata, recorded_at, stream_type, stream_id
from "es".events
where position > $1
  and position <= (select case when pg_is_in_recovery()
                       then least($2, coalesce((select stored.position from "es".frontier as stored), 0))
                       else $2
                   end)
order by position
limit $3
