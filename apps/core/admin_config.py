"""For INSTALLED_APPS, in the place of `django.contrib.admin`."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class SymphonyAdminConfig(AdminConfig):
    default_site = "apps.core.admin_site.SymphonyAdminSite"
