-- What a version of a projection handles, so that a handler is not added of which events have been passed already.

alter table "es".projection_versions
    -- The stored names of the events, and where it began. Nothing where a program from before has made it: the next that makes
    -- it ready says so.
    add column events text[],
    add column began  bigint not null default 0 check (began >= 0);
