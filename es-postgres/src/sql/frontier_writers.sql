-- Who may own positions that cannot be seen: every transaction that holds the lock which a writer takes, on the
-- table, any partition of it, or the sequence, before it draws a position, and keeps until it ends.
--
-- A transaction is named by its virtual id: a prepared one has no process, and keeps its name.
select distinct pg_is_in_recovery(), locks.virtualtransaction, locks.pid is null
from (select) as always
left join pg_locks as locks
    on locks.locktype = 'relation'
   and locks.mode = 'RowExclusiveLock'
   and locks.granted
   and locks.database = (select oid from pg_database where datname = current_database())
   and locks.relation in (
       select '"es".events'::regclass::oid
       union all
       select relid::oid from pg_partition_tree('"es".events'::regclass)
       union all
       select pg_get_serial_sequence('"es".events', 'position')::regclass::oid
   )
