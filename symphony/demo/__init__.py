"""What `make demo` shows: a client of the REST API like any other, and a terminal to watch it in."""
