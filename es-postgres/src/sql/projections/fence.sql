-- The fence of a batch: moves the checkpoint, and extends the lease, only for who holds the newest claim, from where the
-- checkpoint stands, while the shard runs. The row is locked until the end of the transaction, so nobody claims the shard,
-- renews the claim or moves the checkpoint before. Answers one row, or none.
--
-- $1 name, $2 version, $3 shard, $4 engine, $5 epoch, $6 from, $7 to, $8 how many events are applied, $9 the lease in
-- milliseconds. A failure is forgotten by whoever comes past it.
-- Index: projection_shards_pkey. No column of it is changed, so that the update stays on its page.
update "es".projection_shards
set position = $7, applied = applied + $8,
    expires_at = clock_timestamp() + $9::bigint * interval '1 millisecond',
    updated_at = case when position = $7 then updated_at else clock_timestamp() end,
    failure = case when (failure ->> 'position')::bigint > $7 then failure end
where name = $1 and version = $2 and shard = $3
  and engine = $4 and epoch = $5 and position = $6 and activity = 'running'
returning 1
