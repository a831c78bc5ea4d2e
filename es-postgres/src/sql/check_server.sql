-- What the server is, and the settings that the store's promises rest on.
select current_setting('server_version_num')::integer as number, current_setting('server_version') as release, version() as version,
       current_setting('server_encoding') as encoding, current_setting('fsync') as fsync,
       current_setting('full_page_writes') as full_page_writes
