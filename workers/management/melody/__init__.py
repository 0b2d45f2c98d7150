"""The sub-commands of `manage.py melody`, one in each module: `arguments(parser)` and `run(terminal, options)`."""
