-- Copies: how far this file has been made a copy of another store.

-- One row at the most, changed together with the events that it tells of.
create table es_copies (
    only_one        integer primary key check (only_one = 1),
    -- The last event that was copied: where it stands in the source, and here.
    source_history  text    not null,
    source_position integer not null check (source_position > 0),
    event_id        blob    not null check (length(event_id) = 16),
    target_position integer not null check (target_position > 0),
    -- How many events were copied in all, and the hash of all of them.
    events          integer not null check (events > 0),
    hash            blob    not null check (length(hash) = 32)
) strict;
