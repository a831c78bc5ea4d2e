-- Keeps events that are set aside, and counts them at their shards. One that is there already is left as it is.
--
-- $1 to $7: names, versions, shards, keys, positions, whether skipped, failures.
-- Indexes: dead_letters_pkey, projection_shards_pkey.
with kept as (
    insert into "es".dead_letters (name, version, shard, key, position, skipped, failure)
    select name, version, shard, key, position, skipped, failure::jsonb
    from unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::bigint[], $6::boolean[], $7::text[])
        as letters (name, version, shard, key, position, skipped, failure)
    on conflict do nothing
    returning name, version, shard, skipped
), counted as (
    select name, version, shard, count(*) filter (where not skipped) as parked, count(*) filter (where skipped) as skipped
    from kept
    group by name, version, shard
)
update "es".projection_shards as shards
set parked = shards.parked + counted.parked, skipped = shards.skipped + counted.skipped
from counted
where shards.name = counted.name and shards.version = counted.version and shards.shard = counted.shard
