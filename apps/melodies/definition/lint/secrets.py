"""Keys and passwords in plain text. The message never repeats them."""

from __future__ import annotations

import re
from typing import Final

from .look import Look, strings

_SHAPES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("an Anthropic key", re.compile(r"sk-ant-[A-Za-z0-9_-]{16,}")),
    ("an API key", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}")),
    ("a Google key", re.compile(r"\bAIza[A-Za-z0-9_-]{30,}")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    ("an AWS key", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----")),
    ("a signed token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.")),
    ("a password in an address", re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@{}$]{1,100}:[^\s/:@{}$]{3,200}@")),
    ("a token of this server", re.compile(r"\bsym_[A-Za-z0-9_-]{20,}")),
)
_NAMES: Final = re.compile(
    r"(?:^|_)(?:password|passwd|secret|api_?key|access_?key|private_?key|(?:auth|access|api)_?token)$"
)
_SHORTEST: Final = 8
_LONGEST_LOOKED_AT: Final = 200_000


def check(look: Look) -> None:
    for pointer, key, text in strings(look.workflow, look.pointer):
        what = _what(key, text[:_LONGEST_LOOKED_AT])
        if what is not None:
            message = f"This looks like {what}. Everybody who may read the melody can read it: store it as a secret of the project, and use a new one."
            look.warn("secret", message, pointer)


def _what(key: str, text: str) -> str | None:
    for what, shape in _SHAPES:
        if shape.search(text):
            return what
    plain = len(text) >= _SHORTEST and not re.search(r"[{}$\s]", text)
    # A name in capitals is that of a secret or a variable, not the thing itself.
    if plain and _NAMES.search(key.lower()) and not re.fullmatch(r"[A-Z][A-Z0-9_]*", text):
        return "a password or key"
    return None
