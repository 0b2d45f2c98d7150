"""The one error of the expression language."""

from __future__ import annotations


class ExpressionError(Exception):
    """An expression that cannot be read or computed; the message says how to mend it.

    `position` is an offset in `text`, which is the text the caller gave. When that text sits inside a larger value
    (a map of templates, a nested condition), `pointer` is the JSON pointer of the string inside that value.
    """

    def __init__(self, message: str, position: int = 0, text: str | None = None, pointer: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.text = text or ""
        self.pointer = pointer
        self.located = text is not None

    def __str__(self) -> str:
        if not self.located:
            return self.message
        excerpt = self.text if len(self.text) <= 80 else self.text[max(0, self.position - 30) : self.position + 50]
        return f"{self.message} (at character {self.position + 1} of {excerpt!r})"

    def inside(self, text: str, offset: int = 0) -> ExpressionError:
        """The same error, seen from a text in which the failing one starts at `offset`."""
        return ExpressionError(self.message, min(self.position + offset, len(text)), text, self.pointer)

    def below(self, key: str | int) -> ExpressionError:
        """The same error, one level further up in a JSON value."""
        step = str(key).replace("~", "~0").replace("/", "~1")
        return ExpressionError(self.message, self.position, self.text, f"/{step}{self.pointer}")
