-- Stops a shard in front of an event, behind the same fence as a batch, and gives the claim back: sent twice, it stops the
-- shard once, even where somebody has had it go on in between. Answers a row where it did.
--
-- $1 name, $2 version, $3 shard, $4 engine, $5 epoch, $6 where the checkpoint stands, $7 the failure.
-- Index: projection_shards_pkey.
update "es".projection_shards
set activity = 'stopped', failure = $7::text::jsonb, engine = null, label = null, expires_at = null
where name = $1 and version = $2 and shard = $3
  and engine = $4 and epoch = $5 and position = $6 and activity = 'running'
returning 1
