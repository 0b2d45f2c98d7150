"""Letters to people: plain text, of templates, sent after commit and beside the request.

A template is a text file: `Subject: …` in the first line, an empty line, then the letter. Links in it stand on
SYMPHONY_PUBLIC_URL, never on the Host header of whoever asks. The request does not wait for the mail server: so nobody can
tell by the time of an answer whether a letter was sent, and a slow server holds up no transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template import Context
from django.template.loader import get_template

from apps.core.errors import SymphonyError

logger = logging.getLogger(__name__)

_LONGEST_WORDS: Final = 200
_senders: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="letters")
_lock: Final = Lock()
_under_way: Final[set[Future[None]]] = set()


class LetterMalformedError(SymphonyError):
    """A template of a letter does not begin with its subject."""

    code = "letter_malformed"


def public_url(path: str) -> str:
    """`path` begins with a slash."""
    return f"{settings.SYMPHONY_PUBLIC_URL}{path}"


def one_line(text: str) -> str:
    """Words of strangers, fit to stand in a line of a letter: no line breaks, not endless."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"


def send(*, to: str, template: str, context: Mapping[str, Any] | None = None) -> None:
    """Write the letter now, send it once the transaction around us is committed, or at once when there is none.

    `template` is a name such as "accounts/mail/invitation.txt". Texts in `context` are shortened to one
    line each, but for `link`.
    """
    post(write(to=to, template=template, context=context))


def post(letter: EmailMessage) -> None:
    """Send what `write` wrote, once the transaction around us is committed, or at once when there is none."""
    transaction.on_commit(partial(_hand_over, letter))


def write(*, to: str, template: str, context: Mapping[str, Any] | None = None) -> EmailMessage:
    """The letter, not sent."""
    words: dict[str, Any] = {
        name: one_line(value) if isinstance(value, str) and name != "link" else value
        for name, value in (context or {}).items()
    }
    words["site"] = settings.SYMPHONY_PUBLIC_URL
    # The engine behind the loader's wrapper: that one has no way to say that this is no HTML.
    text = get_template(template).template.render(Context(words, autoescape=False))  # type: ignore[attr-defined]
    head, separator, body = text.partition("\n\n")
    mark, _, subject = head.strip().partition(":")
    if mark != "Subject" or not separator:
        raise LetterMalformedError(f"{template} must begin with `Subject: …` and an empty line.")
    return EmailMessage(one_line(subject), body.strip() + "\n", settings.DEFAULT_FROM_EMAIL, [to])


def wait_until_sent(seconds: float = 10.0) -> bool:
    """Whether everything handed over so far was sent, or given up, in time."""
    with _lock:
        waiting = set(_under_way)
    return not wait(waiting, timeout=seconds).not_done


def _hand_over(letter: EmailMessage) -> None:
    future = _senders.submit(_send, letter)
    with _lock:
        _under_way.add(future)
    future.add_done_callback(_forget)


def _forget(future: Future[None]) -> None:
    with _lock:
        _under_way.discard(future)


def _send(letter: EmailMessage) -> None:
    try:
        letter.send()
    except Exception:
        # Not the address: it is somebody's, and logs go far. Whoever waits for the letter asks for another.
        logger.exception("A letter (%s) could not be sent.", letter.subject)
