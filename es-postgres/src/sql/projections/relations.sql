-- Which of these names are taken by tables, views and their like in a schema. $1 the schema, $2 names.
select relname::text from pg_class
where relnamespace = (select oid from pg_namespace where nspname = $1) and relname = any($2::text[])
