-- Streams that are out of use. Their events stay where they are: only appends, loads and lists look in here.

create table "es".archived_streams (
    stream_type text        collate "C" not null,
    stream_id   text        collate "C" not null,
    archived_at timestamptz not null default clock_timestamp(),
    primary key (stream_type, stream_id)
);

-- What a vacuum reads of the events it may freeze as well: they never change, and the vacuum against transaction id
-- wraparound then finds its work done.
alter table "es".events set (autovacuum_freeze_min_age = 0);
