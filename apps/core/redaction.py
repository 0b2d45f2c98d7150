"""What looks like a secret, and text without it. Pure: for logs and for the trail."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

HIDDEN: Final = "[hidden]"

# Of the names under which values are kept or sent.
_HIDING_WORDS: Final = (
    r"pass(?:word|wd|phrase|code)?|secret(?:[_-]?keys?)?|api[_-]?key|private[_-]?key|signing[_-]?key|access[_-]?key|credentials?|authorization"
    r"|cookie|session[_-]?id|csrf\w*|otp|totp|recovery[_-]?codes?|ciphertext|card[_-]?number|cvc|cvv|code[_-]?verifier"
)
_SECRET_NAME: Final = re.compile(rf"(?:^|[_\-.\s])(?:{_HIDING_WORDS}|token)(?:$|[_\-.\s]|s$|hash$)", re.IGNORECASE)
# Names that hold a word of the above and no secret.
_HARMLESS: Final = re.compile(
    r"^(?:.*_)?(?:tokens?_(?:id|name|count|limit|prefix)|max_tokens|secret_name|password_changed_at)$"
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret_name(name: str) -> bool:
    """Whether a value under this name is better not shown: "password", "clientSecret", "x-api-key"."""
    plain = _CAMEL.sub("_", name[:200])
    return _SECRET_NAME.search(plain) is not None and _HARMLESS.match(plain.lower()) is None


_VALUE: Final = r"""[^\s"'&,;}\])]+"""
_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    # Whole headers: everything to the end of the line or of the quoted text.
    (re.compile(r"""(?i)\b((?:set-)?cookie["']?\s*[:=]\s*(?:b(?=["']))?["']?)[^"'\r\n]+"""), rf"\1{HIDDEN}"),
    (
        re.compile(r"""(?i)\b((?:proxy-)?authorization["']?\s*[:=]\s*(?:b(?=["']))?["']?)(?:[a-z]+\s+)?[^\s"',]+"""),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|token|basic)\s+[A-Za-z0-9._~+/-]{12,}=*"), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(sym(?:o|r|or)?_)[A-Za-z0-9_-]{6,}"), rf"\1{HIDDEN}"),
    # What Django signs: the links of letters stand in the paths of requests.
    (re.compile(r"\beyJ[A-Za-z0-9_=-]{4,}:[A-Za-z0-9]{4,10}:[A-Za-z0-9_-]{20,}"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3}"), HIDDEN),
    (
        re.compile(
            r"\b(?:sk|rk|pk|whsec)[-_](?:[A-Za-z0-9]{2,10}[-_]){0,3}[A-Za-z0-9_-]{16,}|\bAIza[A-Za-z0-9_-]{30,}"
        ),
        HIDDEN,
    ),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,200}:)[^\s@/]{1,500}(?=@)"), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"""(?i)\b((?:[a-z]+[_-]){{0,3}}(?:{_HIDING_WORDS}|token)["']?\s*[:=]\s*(?:b(?=["']))?["']?)(?!\[hidden\]){_VALUE}"""
        ),
        rf"\1{HIDDEN}",
    ),
)
# One of these stands in every text that a rule could match; looking for them is all that most lines cost.
_HINTS: Final = (
    "pass", "secret", "key", "credential", "authorization", "cookie", "session", "csrf", "otp", "recovery", "ciphertext",
    "card", "cvc", "cvv", "verifier", "token", "bearer", "basic", "sym_", "symo", "symr", "eyj", "sk-", "sk_", "rk_", "pk_", "whsec", "aiza", "://",
)  # fmt: skip


def without_secrets(text: str) -> str:
    """The text with whatever looks like a credential taken out."""
    low = text.lower()
    if not any(hint in low for hint in _HINTS):
        return text
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def hide_values(value: Any) -> Any:
    """A JSON value with what stands under secret-like names taken out, however deep."""
    if isinstance(value, dict):
        return {name: HIDDEN if is_secret_name(str(name)) else hide_values(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [hide_values(inner) for inner in value]
    return without_secrets(value) if isinstance(value, str) else value
