-- A wish to try parked events again has a number, so that who has seen to one does not end another that came meanwhile.

alter table "es".projection_shards
    -- How often somebody wanted it, and the last of these wishes that was seen to.
    add column wishes   bigint not null default 0,
    add column redriven bigint not null default 0;
update "es".projection_shards set wishes = 1 where redrive;
alter table "es".projection_shards drop column redrive;
