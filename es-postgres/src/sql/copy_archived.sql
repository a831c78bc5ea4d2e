-- Archives streams of a copy, and puts others back into use; what is answered is said in `import_archived`.
-- $1 to $3 how far the copy has come, $4 stream types, $5 stream ids, $6 times or nulls.
select "es".import_archived($1, $2, $3, $4, $5, $6)
