-- The keys of which events are parked. $1 name, $2 version, $3 shard. Index: dead_letters_parked.
select distinct key from "es".dead_letters
where name = $1 and version = $2 and shard = $3 and not skipped
order by key
