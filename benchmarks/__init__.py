"""Symphony beside plain Celery: same machine, same broker, same database, one after the other. `make bench` runs it."""
