"""Calls to the outside: where they may go, how they are made, and what is recorded of them."""
