"""To be included at the root."""

from __future__ import annotations

from django.urls import path

from apps.billing.api.webhooks import stripe_webhook

urlpatterns = [path("billing/webhooks/stripe/", stripe_webhook, name="stripe-webhook")]
