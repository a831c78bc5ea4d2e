-- Which event stands at a position. $1 position. Index: events_pkey.
select event_id from "es".events where position = $1
