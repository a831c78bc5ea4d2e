-- Claims a shard that nobody owns, or whose owner has let its lease run out, or that is ours already. Answers a row where
-- it did: the epoch of the claim, and where the checkpoint stands.
--
-- A row that somebody has locked is skipped: another claim, which is about to succeed, or the owner's open transaction.
--
-- $1 name, $2 version, $3 shard, $4 engine, $5 label, $6 the lease in milliseconds.
-- Index: projection_shards_pkey.
with free as (
    select name, version, shard from "es".projection_shards
    where name = $1 and version = $2 and shard = $3
      and (engine is null or engine = $4 or expires_at <= clock_timestamp())
    for update skip locked
)
update "es".projection_shards as shards
set engine = $4, label = $5, epoch = epoch + 1, expires_at = clock_timestamp() + $6::bigint * interval '1 millisecond'
from free
where shards.name = free.name and shards.version = free.version and shards.shard = free.shard
returning shards.epoch, shards.position
