-- The engines that are alive, and what each runs. Index: none, there are few.
select engine, names, versions from "es".projection_engines where expires_at > clock_timestamp() order by engine
