-- The shards and keys of all events that were set aside. $1 name, $2 version. Index: dead_letters_pkey.
select distinct shard, key from "es".dead_letters where name = $1 and version = $2
