-- The read model of the accounts. Everything here can be dropped: it is made again from the events.
create schema if not exists bank;

create table if not exists bank.account_summaries (
    account_id          text collate "C" primary key,
    owner               text    not null,
    balance             bigint  not null, -- in minor units
    transaction_count   bigint  not null,
    last_transaction_on date,             -- null until money has moved
    closed              boolean not null
);

-- Serves `top` and `low`.
create index if not exists account_summaries_balance on bank.account_summaries (balance, account_id);

-- How far the events are in the summaries: always one row.
create table if not exists bank.checkpoint (
    only_row boolean primary key default true check (only_row),
    position bigint  not null
);

insert into bank.checkpoint (position) values (0) on conflict do nothing;
