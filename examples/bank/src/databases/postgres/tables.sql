-- What the bank makes by itself; the table of the summaries is the engine's. All of it is made of the events.
create schema if not exists bank;

-- An earlier release kept the summaries by hand, in a table where there is a view of that name now. They are made anew.
do $$
begin
    if exists (select from pg_class where oid = to_regclass('bank.account_summaries') and relkind = 'r') then
        drop table bank.account_summaries;
    end if;
end
$$;
drop table if exists bank.checkpoint;

create table if not exists bank.statement_lines (
    account_id  text collate "C" not null,
    line        bigint not null, -- the version of the account's stream, so that lines are in order, with gaps
    booked_on   date   not null,
    amount      bigint not null, -- in minor units, below zero where money went out
    balance     bigint not null, -- behind this line
    description text   not null,
    primary key (account_id, line)
);
