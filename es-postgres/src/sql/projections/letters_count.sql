-- Counts the events that were set aside at their shards anew. $1 name, $2 version.
-- Indexes: projection_shards_pkey, dead_letters_pkey.
update "es".projection_shards as shards
set (parked, skipped) = (
    select count(*) filter (where not letters.skipped), count(*) filter (where letters.skipped)
    from "es".dead_letters as letters
    where letters.name = shards.name and letters.version = shards.version and letters.shard = shards.shard
)
where name = $1 and version = $2
