-- Stores a batch of a copy; what is answered is said in `import_events`.
--
-- How far the copy is known to have come: $1 history of the source, $2 number of events, $3 their hash; nulls where it has
-- not begun. How far it comes: $4 to $7 history, position in the source, number of events, hash. The events, in order:
-- $8 stream types, $9 stream ids, $10 versions, $11 event types, $12 schema versions, $13 event ids, $14 times,
-- $15 idempotency keys or nulls, $16 sizes of appends or nulls, $17 payloads, $18 metadata.
select target, moved, foreign_type, foreign_id, foreign_version, foreign_position
from "es".import_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
