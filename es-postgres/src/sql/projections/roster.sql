-- The shards of projections, and which version of each is active: at least a row for each that is known.
--
-- $1 and $2 names and versions, $3 whether all other versions are wanted too. The first column is the place in these lists,
-- from 1.
-- Indexes: projections_pkey, projection_shards_pkey.
select wanted.place, known.active, shards.version, shards.shard, shards.position, shards.activity,
       case when shards.expires_at > clock_timestamp() then shards.engine end, shards.label,
       shards.applied, shards.parked, shards.skipped, case when shards.wishes > shards.redriven then shards.wishes end, shards.failure, shards.updated_at
from unnest($1::text[], $2::integer[]) with ordinality as wanted (name, version, place)
join "es".projections as known on known.name = wanted.name
left join "es".projection_shards as shards
  on shards.name = wanted.name and (shards.version = wanted.version or $3)
order by wanted.place, shards.version, shards.shard
