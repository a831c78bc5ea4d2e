-- Puts events that were set aside into the shards to which their keys belong now. $1 name, $2 version, $3 to $5 the shards
-- that have them, their keys, and the shards to which they belong. Index: dead_letters_pkey.
update "es".dead_letters as letters set shard = moves.target
from unnest($3::integer[], $4::text[], $5::integer[]) as moves (shard, key, target)
where letters.name = $1 and letters.version = $2 and letters.shard = moves.shard and letters.key = moves.key
