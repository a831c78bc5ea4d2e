-- Streams that are out of use. Their events stay where they are: only appends, loads and lists look in here.

create table "es".archived_streams (
    stream_type text        collate "C" not null,
    stream_id   text        collate "C" not null,
    archived_at timestamptz not null default clock_timestamp(),
    primary key (stream_type, stream_id)
);
