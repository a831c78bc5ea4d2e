-- Makes a version the active one, if it has come far enough. Sent as one message without parameters, and so carried out as
-- one transaction, in which each statement sees what is there when it starts. The last row of the answer says whether the
-- version is active.
--
-- A shard that changes with the appends stands behind all events, wherever its checkpoint was left.
--
-- The shards of the version that readers see do not move meanwhile: whoever has seen an event in the old one sees it in the
-- new one. As long as the new one is far behind they are left in peace.
--
-- $1 name, $2 version, $3 up to where. Indexes: projections_pkey, projection_shards_pkey.
select 1 from "es".projection_shards
where name = $1 and version = (select active from "es".projections where name = $1 and active < $2)
  and (select min(position) from "es".projection_shards where name = $1 and version = $2) >= $3
order by shard
for share;

update "es".projections as known set active = $2
where name = $1 and active < $2
  and (
      select min(case when activity = 'inline' then 9223372036854775807 else position end)
      from "es".projection_shards where name = $1 and version = $2
  ) >= greatest($3, (
      select max(case when activity = 'inline' then 9223372036854775807 else position end)
      from "es".projection_shards as shards where shards.name = $1 and shards.version = known.active
  ));

select exists (select from "es".projections where name = $1 and active = $2)
