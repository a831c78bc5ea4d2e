-- Stores how far the order of all events is settled; within a history it only rises. $1 position, $2 history.
--
-- It need not reach the disk before it is acknowledged: the log is replayed from its beginning up to some point, so
-- whatever keeps this record keeps all that was written before it, and with it everything that the record speaks of.
-- Index: frontier_pkey.
with settings as materialized (
    select set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '100ms', true)
)
insert into "es".frontier as stored (position, history, origin)
select $1, $2, concat_ws('/',
    (select system_identifier from pg_control_system()),
    (select oid from pg_database where datname = current_database()),
    '"es".events'::regclass::oid)
from settings
on conflict (only_one) do update
    set position = excluded.position, history = excluded.history, origin = excluded.origin, settled_at = excluded.settled_at
    where stored.history <> excluded.history or stored.position < excluded.position
