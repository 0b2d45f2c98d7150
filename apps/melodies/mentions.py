"""Who is named in a text with `@username`. Pure."""

from __future__ import annotations

import re
from typing import Final

MOST_MENTIONS: Final = 20
"""More than these are not mentions but noise; the first ones count."""

_CODE: Final = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL)
# Not in an address of mail or web, and the whole of a username.
_MENTION: Final = re.compile(r"(?<![\w.@/-])@([A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9])?)(?![A-Za-z0-9@])")


def mentioned(text: str) -> tuple[str, ...]:
    """Usernames, small, each once, in the order of the text; what stands in code names nobody."""
    names = (found.group(1).lower() for found in _MENTION.finditer(_CODE.sub(" ", text)))
    return tuple(dict.fromkeys(names))[:MOST_MENTIONS]
