-- Where a read model stands that could come to change with the appends, locked; no row where it could not: its shard does
-- not run, is one of several, or has events parked, or there is a newer version.
--
-- $1 name, $2 version. Indexes: projection_shards_pkey, projections_pkey.
select shards.position
from "es".projection_shards as shards
join "es".projections as known on known.name = shards.name
where shards.name = $1 and shards.version = $2 and known.newest = $2
  and shards.activity = 'running' and shards.parked = 0
  and not exists (
      select from "es".projection_shards as others
      where others.name = $1 and others.version = $2 and others.shard <> shards.shard
  )
for update of shards
