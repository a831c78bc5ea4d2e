-- A shard stands behind all events, and changes with the appends from here on. Older claims are void.
--
-- $1 name, $2 version, $3 how many events were applied now. Indexes: projection_shards_pkey, events_pkey.
update "es".projection_shards
set activity = 'inline', applied = applied + $3, epoch = epoch + 1, engine = null, label = null, expires_at = null,
    failure = null, updated_at = clock_timestamp(),
    position = greatest(position, (select coalesce(max(position), 0) from "es".events))
where name = $1 and version = $2
