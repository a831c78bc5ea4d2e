-- Gives back the claims of an engine whose transactions were still open: waits for these.
--
-- $1 engine.
-- Index: none; there are few shards.
update "es".projection_shards set engine = null, label = null, expires_at = null where engine = $1
