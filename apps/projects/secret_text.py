"""A secret's value on its way to where it is used."""

from __future__ import annotations

from typing import Any, NoReturn


class SecretText:
    """Text that shows itself only when asked by `reveal()`: not in logs, tracebacks, JSON, pickles or f-strings."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        return self.__value

    def __repr__(self) -> str:
        return "SecretText(…)"

    def __str__(self) -> str:
        return "…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and other.reveal() == self.__value

    def __hash__(self) -> int:
        return hash((SecretText, self.__value))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")
