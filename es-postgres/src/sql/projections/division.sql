-- The shards of a version that nobody has locked and that do not change with the appends, locked. $1 name, $2 version. Index: projection_shards_pkey.
select shard, position, epoch, applied, engine is not null and expires_at > clock_timestamp() as owned
from "es".projection_shards
where name = $1 and version = $2 and activity <> 'inline'
order by shard
for update skip locked
