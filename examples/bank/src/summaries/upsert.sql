-- Writes the rows of a batch, one array per column. Served by the primary key.
insert into bank.account_summaries as summary
    (account_id, owner, balance, transaction_count, last_transaction_on, closed)
select *
from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::date[], $6::boolean[])
on conflict (account_id) do update set
    owner               = excluded.owner,
    balance             = excluded.balance,
    transaction_count   = excluded.transaction_count,
    last_transaction_on = excluded.last_transaction_on,
    closed              = excluded.closed
