"""What runs inside a Symphony process of its own: `benchmarks` sets its environment and reads what it prints."""

import django

django.setup()
