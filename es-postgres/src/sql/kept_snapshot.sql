-- The snapshot of one stream, whatever its fingerprint. $1 stream type, $2 stream id. Index: snapshots_pkey.
select version, position, fingerprint, state
from "es".snapshots
where stream_type = $1 and stream_id = $2
