-- How far the order of all events is settled: up to this position each is visible for good, or dead.
--
-- One row, written by readers. It holds in one history; one of another is replaced.
create table "es".frontier (
    only_one   boolean     primary key default true check (only_one),
    position   bigint      not null check (position >= 0),
    history    uuid        not null,
    -- Of which cluster, database and table. A standby takes a record of its own origin, whatever its history is called.
    origin     text        not null,
    settled_at timestamptz not null default clock_timestamp()
) with (fillfactor = 10);
