-- Wants all parked events of a version to be tried again: the wish has the next number. A batch that is under way is waited
-- for; what it ends is an earlier wish.
--
-- $1 name, $2 version. Index: projection_shards_pkey.
with patience as materialized (
    select set_config('lock_timeout', '60s', true)
)
update "es".projection_shards set wishes = wishes + 1
from patience
where name = $1 and version = $2
