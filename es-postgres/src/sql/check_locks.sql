-- Whether a writer's lock can be seen, as the frontier's proof needs it: by an insert of nothing, which draws no position.
with nothing as (
    insert into "es".events (stream_type, stream_id, version, event_type, schema_version, event_id, payload, metadata)
    select '', '', 1, '', 1, gen_random_uuid(), '{}', '{}'
    where false
)
select exists (
    select from pg_locks
    where locktype = 'relation' and mode = 'RowExclusiveLock' and granted and pid = pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())
      and relation = '"es".events'::regclass
      and virtualtransaction like '%_/_%'
)
