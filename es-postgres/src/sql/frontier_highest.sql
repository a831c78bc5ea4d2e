-- The highest position that can be seen. It must be a visible event's, never the sequence's last value: between the
-- two may lie positions whose owner has not yet taken the lock that shows it. Index: events_pkey.
select pg_is_in_recovery(), max(position) from "es".events
