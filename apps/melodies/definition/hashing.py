"""The canonical form of a document and its address."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(document: Any) -> bytes:
    """Plain JSON as UTF-8 with sorted keys and no blanks: the same document gives the same bytes, however it was written."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(document: Any) -> str:
    """The hex SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(document)).hexdigest()
