"""Django as far as django-celery-results needs it."""

from __future__ import annotations

import os

import dj_database_url

SECRET_KEY = "not used: nothing here is signed"
INSTALLED_APPS = ["django_celery_results"]
DATABASES = {"default": {**dj_database_url.parse(os.environ["PLAIN_DATABASE_URL"]), "CONN_MAX_AGE": None}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
