"""PostgreSQL through a bounded pool: what a process of many threads connects with. See `SYMPHONY_DATABASE_POOL`."""
