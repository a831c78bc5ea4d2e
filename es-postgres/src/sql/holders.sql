-- Who holds the frontier: the transactions of `frontier_writers.sql` that have not ended, the oldest first, with what is
-- known of them. A role sees its own sessions; of others, unless it may read all statistics, little.
--
-- A prepared transaction has no process; its lock on its own transaction id leads to its name.
with holders as (
    select distinct locks.virtualtransaction, locks.pid
    from pg_locks as locks
    where locks.locktype = 'relation'
      and locks.mode = 'RowExclusiveLock'
      and locks.granted
      and locks.virtualtransaction not like '%/0'
      and locks.database = (select oid from pg_database where datname = current_database())
      and locks.relation in (
          select '"es".events'::regclass::oid
          union all
          select relid::oid from pg_partition_tree('"es".events'::regclass)
          union all
          select pg_get_serial_sequence('"es".events', 'position')::regclass::oid
      )
), prepared as (
    select locks.virtualtransaction, xacts.gid, xacts.owner, xacts.prepared
    from pg_locks as locks
    join pg_prepared_xacts as xacts on xacts.transaction = locks.transactionid
    where locks.locktype = 'transactionid' and locks.pid is null and locks.granted
)
select holders.virtualtransaction, holders.pid, prepared.gid::text,
       nullif(activity.application_name, ''), coalesce(activity.usename, prepared.owner)::text, activity.state,
       nullif(activity.query, '<insufficient privilege>'),
       extract(epoch from clock_timestamp() - coalesce(activity.xact_start, prepared.prepared))::float8
from holders
left join pg_stat_activity as activity on activity.pid = holders.pid
left join prepared on holders.pid is null and prepared.virtualtransaction = holders.virtualtransaction
order by 8 desc nulls last, 1
