-- Removes the parked events of a key up to a position. Answers whether none of the key is left.
--
-- $1 name, $2 version, $3 shard, $4 key, $5 the position. Indexes: dead_letters_parked, projection_shards_pkey.
with gone as (
    delete from "es".dead_letters
    where name = $1 and version = $2 and shard = $3 and key = $4 and not skipped and position <= $5
    returning 1
), counted as (
    update "es".projection_shards set parked = parked - (select count(*) from gone)
    where name = $1 and version = $2 and shard = $3
)
select not exists (
    select from "es".dead_letters
    where name = $1 and version = $2 and shard = $3 and key = $4 and not skipped and position > $5
)
