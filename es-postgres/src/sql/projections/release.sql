-- Gives a claim back. An open transaction of the claim is waited for.
--
-- $1 name, $2 version, $3 shard, $4 engine, $5 epoch.
-- Index: projection_shards_pkey.
update "es".projection_shards
set engine = null, label = null, expires_at = null
where name = $1 and version = $2 and shard = $3 and engine = $4 and epoch = $5
