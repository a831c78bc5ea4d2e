-- Which history the store has: of which cluster, on which timeline, in which database, and in which table of events. A
-- failover or a restore begins a timeline. A standby has a history of its own, of the timeline of its last restart point:
-- when it takes over it keeps its connections, and what is read on these must not count as read from the primary before.
select encode(substring(sha256(convert_to(concat_ws('/',
    (select system_identifier from pg_control_system()),
    case when pg_is_in_recovery()
        then (select 'standby ' || lpad(upper(to_hex(timeline_id)), 8, '0') from pg_control_checkpoint())
        else left(pg_walfile_name(pg_current_wal_lsn()), 8)
    end,
    (select oid from pg_database where datname = current_database()),
    coalesce(to_regclass('"es".events')::oid, 0)
), 'UTF8')) for 16), 'hex')::uuid
