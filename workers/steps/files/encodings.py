"""Encodings of text that outsiders may name. Others of Python's are slow (punycode takes quadratic time) or no encodings of text."""

from __future__ import annotations

import codecs

TEXT_ENCODINGS = frozenset(
    {"utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "iso8859-1", "iso8859-2", "iso8859-15",
     "cp1250", "cp1251", "cp1252", "cp437", "cp850", "koi8-r", "shift_jis", "euc_jp", "gb18030", "gbk", "big5", "euc_kr"}
)  # fmt: skip


def text_encoding(name: str) -> str | None:
    """Python's name of an encoding of text; None for what is not known here as one."""
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return known if known in TEXT_ENCODINGS else None
