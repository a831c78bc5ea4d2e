-- Wants all parked events of a version to be tried again. A batch that is under way may be about to end an earlier wish, and
-- is waited for.
--
-- $1 name, $2 version. Index: projection_shards_pkey.
with patience as materialized (
    select set_config('lock_timeout', '60s', true)
)
update "es".projection_shards set redrive = true
from patience
where name = $1 and version = $2
