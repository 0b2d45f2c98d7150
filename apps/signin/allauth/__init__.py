"""What django-allauth is told. Imported where it is installed only: `SYMPHONY_MFA`, `SYMPHONY_SOCIAL_*`."""
