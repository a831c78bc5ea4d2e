-- An engine is alive, and so are its claims; engines whose time has run out are removed.
--
-- Rows that somebody has locked are skipped, and never waited for: of our own shards it is a batch, whose fence has
-- extended the lease.
--
-- $1 engine, $2 label, $3 the lease in milliseconds, $4 and $5 names and versions of what it runs, $6 to $9 names, versions,
-- shards and epochs of its claims.
-- Indexes: projection_engines_pkey, projection_shards_pkey.
with alive as (
    insert into "es".projection_engines (engine, label, expires_at, names, versions)
    values ($1, $2, clock_timestamp() + $3::bigint * interval '1 millisecond', $4, $5)
    on conflict (engine) do update
    set label = excluded.label, expires_at = excluded.expires_at, names = excluded.names, versions = excluded.versions
), gone as (
    delete from "es".projection_engines
    where engine in (
        select engine from "es".projection_engines
        where expires_at <= clock_timestamp() and engine <> $1
        for update skip locked
    )
), held as (
    select shards.name, shards.version, shards.shard
    from unnest($6::text[], $7::integer[], $8::integer[], $9::bigint[]) as claims (name, version, shard, epoch)
    join "es".projection_shards as shards
      on shards.name = claims.name and shards.version = claims.version and shards.shard = claims.shard
    where shards.engine = $1 and shards.epoch = claims.epoch
    for update of shards skip locked
)
update "es".projection_shards as shards
set expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond'
from held
where shards.name = held.name and shards.version = held.version and shards.shard = held.shard
