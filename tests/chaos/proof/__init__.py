"""Judging what happened: rows of the database (`record`), read by `reading`, and what must never be untrue (`verdict`).

`record` and `verdict` are pure: no Django, no database, so that a history can be written by hand, also a wrong one.
"""
