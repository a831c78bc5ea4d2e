-- How far this store has been made a copy of another. One row, or none. Index: copies_pkey.
select source_history, source_position, event_id, target_position, events, hash from "es".copies
