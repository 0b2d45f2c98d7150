"""Stripe as it stands on the wire: a small one with a memory, that signs what it tells.

It knows customers, prices, checkout sessions, subscriptions, invoices and portal sessions, answers form-encoded requests
with JSON, remembers idempotency keys, and makes events. It delivers none: tests post `signed(event)` when, how often and in
which order they like. `now` is its clock; its amounts of proration are counted in whole seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

API_KEY = "sk_test_wire_0123456789"
WEBHOOK_SECRET = "whsec_wire_0123456789"
MONTH = 30 * 24 * 3600
Wire = dict[str, Any]


class WireError(Exception):
    def __init__(self, status: int, kind: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, "code": code}}


class StripeServer:
    """On a free port of this machine. `requests` are (method, path, params) in the order they came."""

    def __init__(self) -> None:
        self.now = int(time.time())
        self.objects: dict[str, Wire] = {}
        self.events: list[Wire] = []
        self.requests: list[tuple[str, str, Wire]] = []
        self.down = False
        self.declines = False
        self._counter = 0
        self._kept: dict[str, tuple[str, int, Wire]] = {}
        self._lock = threading.RLock()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    # -- what tests do -------------------------------------------------------------------------------------------------
    def price(self, amount: int) -> str:
        return str(self._make("price", "price", unit_amount=amount, currency="usd")["id"])

    def pay(self, session_id: str) -> Wire:
        """The customer comes to the checkout and pays: a subscription begins."""
        session = self.objects[session_id]
        price = self.objects[session["line_items"][0]["price"]]
        subscription = self._make(
            "sub",
            "subscription",
            customer=session["customer"],
            status="active",
            billing_cycle_anchor=self.now,
            cancel_at_period_end=False,
            canceled_at=None,
            ended_at=None,
            default_payment_method=self._method(),
            metadata=session["subscription_data"]["metadata"],
            items={"object": "list", "data": [self._item(price)]},
        )
        session |= {"status": "complete", "payment_status": "paid", "subscription": subscription["id"]}
        self.tell("customer.subscription.created", subscription)
        invoice = self.bill(subscription, [("First period", price["unit_amount"])])
        self.collect(invoice)
        self.tell("checkout.session.completed", session)
        return subscription

    def renew(self, subscription: Wire, *, paid: bool = True) -> Wire:
        item = subscription["items"]["data"][0]
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] += MONTH
        self.now = item["current_period_start"]
        invoice = self.bill(subscription, [("Next period", item["price"]["unit_amount"])])
        if paid:
            self.collect(invoice)
        else:
            subscription["status"] = "past_due"
            self.tell("invoice.payment_failed", invoice)
        self.tell("customer.subscription.updated", subscription)
        return invoice

    def bill(self, subscription: Wire, lines: list[tuple[str, int]]) -> Wire:
        """An invoice that is final, and open; credit of the customer pays what it can."""
        total = sum(amount for _, amount in lines)
        customer = self.objects[subscription["customer"]]
        due = max(total + customer["balance"], 0)
        customer["balance"] = min(total + customer["balance"], 0)
        invoice = self._make(
            "in",
            "invoice",
            customer=customer["id"],
            number=f"WIRE-{self._counter:04}",
            status="open" if due else "paid",
            currency="usd",
            total=total,
            amount_due=due,
            amount_paid=0,
            due_date=None,
            period_start=self.now,
            period_end=self.now + MONTH,
            hosted_invoice_url=f"https://pay.example/{self._counter}",
            parent={
                "type": "subscription_details",
                "subscription_details": {"subscription": subscription["id"], "metadata": subscription["metadata"]},
            },
            lines={"object": "list", "data": [{"description": text, "amount": amount} for text, amount in lines]},
            status_transitions={"finalized_at": self.now, "paid_at": None if due else self.now},
        )
        self.tell("invoice.finalized", invoice)
        return invoice

    def collect(self, invoice: Wire) -> None:
        invoice |= {"status": "paid", "amount_paid": invoice["amount_due"]}
        invoice["status_transitions"]["paid_at"] = self.now
        self.tell("invoice.paid", invoice)

    def tell(self, kind: str, thing: Wire) -> Wire:
        """An event with the thing as it is at this moment."""
        with self._lock:
            self._counter += 1
            event = {
                "id": f"evt_{self._counter:06}",
                "object": "event",
                "api_version": "2026-10-28.endive",
                "type": kind,
                "created": self.now,
                "livemode": False,
                "data": {"object": json.loads(json.dumps(_flat(thing)))},
            }
            self.events.append(event)
            return event

    # -- what the SDK asks ---------------------------------------------------------------------------------------------
    def answer(self, method: str, path: str, params: Wire, key: str | None) -> tuple[int, Wire]:
        with self._lock:
            self.requests.append((method, path, params))
            if self.down:
                raise WireError(500, "api_error", "scripted")
            asked = json.dumps([method, path, params], sort_keys=True)
            if key and key in self._kept:
                before, status, body = self._kept[key]
                if before != asked:
                    raise WireError(400, "idempotency_error", "Keys are for the same request only.")
                return status, body
            body = json.loads(json.dumps(self._route(method, path.removeprefix("/v1/").split("/"), params)))
            if key:
                self._kept[key] = asked, 200, body
            return 200, body

    def _route(self, method: str, parts: list[str], params: Wire) -> Wire:
        match method, parts:
            case "POST", ["customers"]:
                return self._make("cus", "customer", balance=0, **params)
            case "POST", ["checkout", "sessions"]:
                return self._checkout(params)
            case "POST", ["checkout", "sessions", session_id, "expire"]:
                return self._expire(session_id)
            case "POST", ["billing_portal", "sessions"]:
                self._known(params["customer"])
                return self._make("bps", "billing_portal.session", url=f"https://portal.example/{params['customer']}")
            case "GET", [*_, identifier]:
                return self._shown(self._known(identifier), params)
            case "POST", ["subscriptions", identifier]:
                return self._shown(self._change(self._known(identifier), params), params)
            case "DELETE", ["subscriptions", identifier]:
                return self._shown(self._end(self._known(identifier)), params)
        raise WireError(404, "invalid_request_error", f"Unrecognized request URL ({method} {'/'.join(parts)}).")

    def _checkout(self, params: Wire) -> Wire:
        self._known(params["customer"])
        for item in params["line_items"]:
            self._known(item["price"])
        session = self._make("cs", "checkout.session", status="open", subscription=None, **params)
        session["url"] = f"https://checkout.example/{session['id']}"
        return session

    def _expire(self, session_id: str) -> Wire:
        session = self._known(session_id)
        if session["status"] != "open":
            raise WireError(
                400, "invalid_request_error", "Only Checkout Sessions with a status of open can be expired."
            )
        session["status"] = "expired"
        self.tell("checkout.session.expired", session)
        return session

    def _change(self, subscription: Wire, params: Wire) -> Wire:
        if "cancel_at_period_end" in params:
            subscription["cancel_at_period_end"] = params["cancel_at_period_end"] == "true"
            subscription["canceled_at"] = self.now if subscription["cancel_at_period_end"] else None
        for wanted in params.get("items", []):
            if self.declines and params.get("payment_behavior") == "error_if_incomplete":
                raise WireError(402, "card_error", "Your card was declined.", "card_declined")
            item = subscription["items"]["data"][0]
            old, new = item["price"], self._known(wanted["price"])
            left = item["current_period_end"] - self.now
            item["price"] = new
            if params.get("proration_behavior") == "always_invoice":
                lines = [("Unused time", -old["unit_amount"] * left // MONTH)]
                lines.append(("Remaining time", new["unit_amount"] * left // MONTH))
                self.collect(self.bill(subscription, lines))
        self.tell("customer.subscription.updated", subscription)
        return subscription

    def _end(self, subscription: Wire) -> Wire:
        subscription |= {"status": "canceled", "canceled_at": self.now, "ended_at": self.now}
        self.tell("customer.subscription.deleted", subscription)
        return subscription

    def _shown(self, thing: Wire, params: Wire) -> Wire:
        return thing if "default_payment_method" in params.get("expand", []) else _flat(thing)

    def _known(self, identifier: str) -> Wire:
        if identifier not in self.objects:
            raise WireError(404, "invalid_request_error", f"No such object: '{identifier}'", "resource_missing")
        return self.objects[identifier]

    def _make(self, prefix: str, kind: str, **fields: Any) -> Wire:
        with self._lock:
            self._counter += 1
            thing = {"id": f"{prefix}_wire{self._counter:04}", "object": kind, "created": self.now, **fields}
            self.objects[thing["id"]] = thing
            return thing

    def _item(self, price: Wire) -> Wire:
        return self._make(
            "si", "subscription_item", price=price, current_period_start=self.now, current_period_end=self.now + MONTH
        )

    def _method(self) -> Wire:
        card = {"brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2034, "fingerprint": "f1ng3r"}
        return self._make("pm", "payment_method", type="card", card=card)


def signed(event: Wire, *, secret: str = WEBHOOK_SECRET, at: int | None = None) -> tuple[bytes, str]:
    """Body and `Stripe-Signature` of a delivery."""
    body = json.dumps(event).encode()
    stamp = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return body, f"t={stamp},v1={digest}"


def _flat(thing: Wire) -> Wire:
    """As it is shown where nobody asked to expand it."""
    method = thing.get("default_payment_method")
    return {**thing, "default_payment_method": method["id"]} if isinstance(method, dict) else thing


def form(pairs: list[tuple[str, str]]) -> Wire:
    """items[0][price]=x&metadata[a]=b as a document."""
    document: Wire = {}
    for name, value in pairs:
        head, *rest = name.replace("]", "").split("[")
        place: Wire = document
        for part, following in zip([head, *rest], rest, strict=False):
            place = place.setdefault(part, {})
            assert following is not None
        place[(rest or [head])[-1]] = value
    return {name: _listed(value) for name, value in document.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    return list(inner.values()) if all(name.isdigit() for name in inner) else inner


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, owner: StripeServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, *args: Any) -> None:
        """Silence."""

    def _serve(self) -> None:
        address = urlsplit(self.path)
        size = int(self.headers.get("content-length") or 0)
        given = parse_qsl(address.query) + parse_qsl(self.rfile.read(size).decode(), keep_blank_values=True)
        status, body = self._answer(address.path, form(given))
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("request-id", "req_wire")
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, path: str, params: Wire) -> tuple[int, Wire]:
        if self.headers.get("authorization") != f"Bearer {API_KEY}":
            error = WireError(401, "invalid_request_error", "Invalid API Key provided: sk_test_****")
            return error.status, error.body
        try:
            return self.server.owner.answer(self.command, path, params, self.headers.get("idempotency-key"))
        except WireError as error:
            return error.status, error.body

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()
