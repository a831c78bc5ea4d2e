-- What is known under some names: a row for each version that is kept, or one where none is.
--
-- $1 names. Indexes: projections_pkey, projection_versions_pkey, projection_shards_pkey.
select known.name, known.kind, known.active, known.oldest, known.newest, versions.version, versions.columns,
       (select count(*) from "es".projection_shards as shards
        where shards.name = versions.name and shards.version = versions.version) as shards,
       versions.events
from "es".projections as known
left join "es".projection_versions as versions on versions.name = known.name
where known.name = any($1)
order by known.name, versions.version
