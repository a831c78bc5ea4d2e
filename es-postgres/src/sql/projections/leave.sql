-- Removes an engine, and gives back those of its claims that no transaction is open for. Answers a row for each that is
-- left.
--
-- $1 engine.
-- Indexes: projection_engines_pkey; none for its shards, of which there are few.
with gone as (
    delete from "es".projection_engines where engine = $1
), free as (
    select name, version, shard from "es".projection_shards where engine = $1 for update skip locked
), freed as (
    update "es".projection_shards as shards
    set engine = null, label = null, expires_at = null
    from free
    where shards.name = free.name and shards.version = free.version and shards.shard = free.shard
)
select 1 from "es".projection_shards as shards
where engine = $1
  and not exists (
      select from free where shards.name = free.name and shards.version = free.version and shards.shard = free.shard
  )
