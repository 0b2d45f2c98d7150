"""Clients of the API, generated from its schema: `python -m clients.generate`."""
