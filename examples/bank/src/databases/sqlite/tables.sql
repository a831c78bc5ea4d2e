-- What the bank makes by itself; the table of the summaries is the engine's. All of it is made of the events.
create table if not exists statement_lines (
    account_id  text    not null,
    line        integer not null, -- the version of the account's stream, so that lines are in order, with gaps
    booked_on   date    not null,
    amount      integer not null, -- in minor units, below zero where money went out
    balance     integer not null, -- behind this line
    description text    not null,
    primary key (account_id, line)
) without rowid;
