-- Ends the wish to try parked events again. $1 name, $2 version, $3 shard. Index: projection_shards_pkey.
update "es".projection_shards set redrive = false where name = $1 and version = $2 and shard = $3
