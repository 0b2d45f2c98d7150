"""Where payment providers knock. No view of DRF: nobody signs in here, what is sent is signed itself."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

import stripe
from django.conf import settings
from django.db import DataError, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.billing.errors import ProviderUnavailable
from apps.billing.services.provider_events import process, store
from apps.core.api.problems import problem_response

logger = logging.getLogger(__name__)

LARGEST_BODY: Final = 512 * 1024
TOLERANCE: Final = 300
"""Seconds a signature is good for: an older one was recorded somewhere and is played again."""


@transaction.non_atomic_requests
@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Verified, stored and committed, then acted upon. 503 asks Stripe to come again, and nothing is lost meanwhile."""
    if not settings.SYMPHONY_STRIPE_WEBHOOK_SECRETS:
        return _refused(404, "not_found", "No webhooks are expected here.")
    body = request.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        return _refused(413, "too_large", f"An event has at most {LARGEST_BODY} bytes.")
    if not _is_signed(body, request.headers.get("Stripe-Signature", "")):
        return _refused(400, "bad_signature", "The signature is missing, wrong or too old.")
    event = _read(body)
    if event is None:
        return _refused(400, "bad_event", "This is no event.")
    try:
        stored = store(
            provider="stripe",
            event_id=event["id"],
            kind=event["type"],
            happened_at=datetime.fromtimestamp(event["created"], UTC),
            payload=event,
        )
    except (DataError, ValueError, OverflowError):
        return _refused(400, "bad_event", "This event cannot be kept.")
    try:
        process(stored)
    except ProviderUnavailable:
        return problem_response(
            status=503,
            code=ProviderUnavailable.code,
            detail="Kept, and not settled yet.",
            headers={"Retry-After": "60"},
        )
    return HttpResponse(status=200)


def _is_signed(body: bytes, signature: str) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return any(_is_signed_with(text, signature, secret) for secret in settings.SYMPHONY_STRIPE_WEBHOOK_SECRETS)


def _is_signed_with(text: str, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret, TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    shapes = {"id": str, "type": str, "created": int, "data": dict}
    if not isinstance(event, dict) or not all(isinstance(event.get(name), kind) for name, kind in shapes.items()):
        return None
    return event


def _refused(status: int, code: str, detail: str) -> HttpResponse:
    logger.warning("a webhook was refused: %s", code)
    return problem_response(status=status, code=code, detail=detail)
