-- Ends a wish to try parked events again, and those before it; a newer one stands.
--
-- $1 name, $2 version, $3 shard, $4 the wish. Index: projection_shards_pkey.
update "es".projection_shards set redriven = greatest(redriven, $4)
where name = $1 and version = $2 and shard = $3
