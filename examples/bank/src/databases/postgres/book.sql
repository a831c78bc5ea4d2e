-- Writes a line of a statement behind the one before it. A line that is there is written anew: a new version of the
-- projection begins with the first event, and makes the same lines. Served by the primary key, twice.
insert into bank.statement_lines (account_id, line, booked_on, amount, balance, description)
select $1, $2, $3, $4, $4 + coalesce((
    select balance from bank.statement_lines where account_id = $1 and line < $2 order by line desc limit 1
), 0), $5
on conflict (account_id, line) do update
    set booked_on = excluded.booked_on, amount = excluded.amount, balance = excluded.balance,
        description = excluded.description
