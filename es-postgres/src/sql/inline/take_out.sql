-- A shard that changed with the appends stands behind all of them, and does not change with further ones.
--
-- $1 name, $2 version, $3 the activity that it has from here on. Indexes: projection_shards_pkey, events_pkey.
update "es".projection_shards
set activity = $3, epoch = epoch + 1, updated_at = clock_timestamp(),
    position = greatest(position, (select coalesce(max(position), 0) from "es".events))
where name = $1 and version = $2 and activity = 'inline'
