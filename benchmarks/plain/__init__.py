"""What Symphony is compared with: Celery and nothing else, set up as well as its own settings allow."""
