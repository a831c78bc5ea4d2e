-- Divides a version into another number of shards, which all stand where the first one stands, and have an epoch that no
-- claim of the old division has. What was applied is counted for the first.
--
-- $1 name, $2 version, $3 the number of shards, $4 the highest epoch, $5 how many events were applied.
-- Index: projection_shards_pkey.
with first as (
    select position, activity, failure, asked.wishes, asked.redriven
    from "es".projection_shards, (
        select max(wishes) as wishes, min(redriven) as redriven from "es".projection_shards
        where name = $1 and version = $2
    ) as asked
    where name = $1 and version = $2 and shard = 0
), gone as (
    delete from "es".projection_shards where name = $1 and version = $2 and shard >= $3
), kept as (
    update "es".projection_shards as shards
    set epoch = $4, engine = null, label = null, expires_at = null, activity = first.activity, failure = first.failure,
        applied = case when shard = 0 then $5 else 0 end, parked = 0, skipped = 0, wishes = first.wishes, redriven = first.redriven
    from first
    where name = $1 and version = $2 and shard < $3
)
insert into "es".projection_shards (name, version, shard, position, epoch, activity, failure, wishes, redriven)
select $1, $2, added, first.position, $4, first.activity, first.failure, first.wishes, first.redriven
from first, generate_series(0, $3 - 1) as added
on conflict (name, version, shard) do nothing
