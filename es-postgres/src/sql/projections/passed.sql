-- Which of some event types there are behind where a version began, and not behind where its furthest shard stands. Asked
-- only where handlers were changed.
--
-- $1 name, $2 version, $3 event types. Indexes: projection_versions_pkey, projection_shards_pkey, events_pkey.
select type.name
from unnest($3::text[]) with ordinality as type (name, place)
where exists (
    select from "es".events
    where event_type = type.name
      and position > (select began from "es".projection_versions where name = $1 and version = $2)
      and position <= (
          select max(case when activity = 'inline' then 9223372036854775807 else position end)
          from "es".projection_shards where name = $1 and version = $2
      )
)
order by type.place
