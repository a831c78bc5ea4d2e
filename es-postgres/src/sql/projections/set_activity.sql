-- Pauses or resumes all shards of a version, but for one that changes with the appends. Batches that are under way are waited for, as long as the longest may take.
--
-- $1 name, $2 version, $3 the activity. Index: projection_shards_pkey.
with patience as materialized (
    select set_config('lock_timeout', '60s', true)
)
update "es".projection_shards set activity = $3
from patience
where name = $1 and version = $2 and activity <> 'inline'
