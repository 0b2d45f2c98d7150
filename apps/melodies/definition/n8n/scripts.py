"""Expressions of n8n (a part of JavaScript) as expressions of melodies.

What has a counterpart is translated, everything else is refused by name: nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from apps.melodies.definition.n8n.model import UntranslatableError

LONGEST: Final = 4_000
DEEPEST: Final = 40
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?(?![\w.]))|(?P<name>[$A-Za-z_][$\w]*)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|[-+*/%<>!?:.,()\[\]{}]))""",
    re.ASCII | re.VERBOSE,
)
_BINARY: Final[dict[str, tuple[int, str]]] = {
    "||": (1, "or"),
    "&&": (2, "and"),
    "===": (3, "=="),
    "!==": (3, "!="),
    "==": (3, "=="),
    "!=": (3, "!="),
    "<": (4, "<"),
    ">": (4, ">"),
    "<=": (4, "<="),
    ">=": (4, ">="),
    "+": (5, "+"),
    "-": (5, "-"),
    "*": (6, "*"),
    "/": (6, "/"),
    "%": (6, "%"),
}
_METHODS: Final[dict[str, tuple[str, int, int]]] = {
    "toUpperCase": ("upper", 0, 0),
    "toLowerCase": ("lower", 0, 0),
    "trim": ("trim", 0, 0),
    "toString": ("text", 0, 0),
    "includes": ("contains", 1, 1),
    "startsWith": ("starts_with", 1, 1),
    "endsWith": ("ends_with", 1, 1),
    "split": ("split", 1, 1),
    "join": ("join", 1, 1),
    "replaceAll": ("replace", 2, 2),
    "concat": ("concat", 1, 8),
    "reverse": ("reverse", 0, 0),
    "flat": ("flatten", 0, 0),
    "isEmpty": ("is_empty", 0, 0),
    "first": ("first", 0, 0),
    "last": ("last", 0, 0),
    "unique": ("unique", 0, 0),
    "sum": ("sum", 0, 0),
    "average": ("average", 0, 0),
    "keys": ("keys", 0, 0),
    "values": ("values", 0, 0),
    "toNumber": ("number", 0, 0),
    "hash": ("hash", 0, 0),
}
_FUNCTIONS: Final[dict[tuple[str, ...], tuple[str, int, int]]] = {
    ("JSON", "stringify"): ("to_json", 1, 1),
    ("JSON", "parse"): ("parse_json", 1, 1),
    ("Number",): ("number", 1, 1),
    ("parseFloat",): ("number", 1, 1),
    ("String",): ("text", 1, 1),
    ("Math", "round"): ("round", 1, 1),
    ("Math", "floor"): ("floor", 1, 1),
    ("Math", "ceil"): ("ceil", 1, 1),
    ("Math", "abs"): ("abs", 1, 1),
    ("Math", "sqrt"): ("sqrt", 1, 1),
    ("Math", "max"): ("max", 1, 20),
    ("Math", "min"): ("min", 1, 20),
    ("Math", "pow"): ("pow", 2, 2),
    ("Object", "keys"): ("keys", 1, 1),
    ("Object", "values"): ("values", 1, 1),
}
_WORDS: Final = {"true": "true", "false": "false", "null": "null", "undefined": "null"}
_GLOBALS: Final = {"$now": "now()", "$today": "date('YYYY-MM-DD')", "$runIndex": "0"}


class Data(Protocol):
    """Where the data of nodes are, as expressions of melodies. Raises `UntranslatableError` for what cannot be reached."""

    def current(self, path: Sequence[str]) -> str:
        """What the node is given."""

    def of(self, node: str, path: Sequence[str]) -> str:
        """What another node gave."""


def translate(script: str, data: Data) -> str:
    """One expression. Raises `UntranslatableError`."""
    if len(script) > LONGEST:
        raise UntranslatableError(f"an expression of more than {LONGEST:,} characters")
    return _Parser(_tokens(script), data).whole()


def quoted(text: str) -> str:
    """A text as it is written in an expression of melodies. Braces are apart, so that it holds no template."""
    if not all(sign.isprintable() for sign in text):
        raise UntranslatableError("a text with line breaks or control characters inside an expression")
    for unfit in ("{{", "}}", "${", "\\"):
        if unfit in text:
            raise UntranslatableError(f"a text with {unfit} inside an expression")
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    raise UntranslatableError("a text with both kinds of quotes inside an expression")


def subscript(step: str) -> str:
    """`.name`, or `['a name']`."""
    return f".{step}" if _IDENTIFIER.fullmatch(step) else f"[{quoted(step)}]"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


_END: Final = _Token("end", "")


def _tokens(script: str) -> list[_Token]:
    found, place = [], 0
    text = script.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise UntranslatableError(f"`{text[place : place + 20]}` in an expression")
        found.append(_Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Parser:
    """Precedence climbing; gives the text of the translation."""

    def __init__(self, tokens: list[_Token], data: Data) -> None:
        self._tokens = tokens
        self._place = 0
        self._data = data
        self._depth = 0

    def whole(self) -> str:
        value = self._choice()
        if self._peek() is not _END:
            raise UntranslatableError(f"`{self._peek().text}` in an expression")
        return value

    def _peek(self) -> _Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else _END

    def _next(self) -> _Token:
        token = self._peek()
        self._place += 1
        return token

    def _takes(self, *signs: str) -> bool:
        token = self._peek()
        if token.kind == "sign" and token.text in signs:
            self._place += 1
            return True
        return False

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise UntranslatableError(f"an expression without `{sign}` where one should stand")

    def _deeper(self, inner: Callable[[], str]) -> str:
        self._depth += 1
        if self._depth > DEEPEST:
            raise UntranslatableError("an expression nested too deep")
        try:
            return inner()
        finally:
            self._depth -= 1

    def _choice(self) -> str:
        return self._deeper(self._choice_within)

    def _choice_within(self) -> str:
        value = self._binary(1)
        if not self._takes("?"):
            return value
        then = self._choice()
        self._needs(":")
        return f"({value} ? {then} : {self._choice()})"

    def _binary(self, least: int) -> str:
        left = self._unary()
        while True:
            token = self._peek()
            if token.kind == "sign" and token.text == "??":
                self._place += 1
                left = f"coalesce({left}, {self._unary()})"
                continue
            rank, sign = _BINARY.get(token.text, (0, "")) if token.kind == "sign" else (0, "")
            if rank < least:
                return left
            self._place += 1
            right = self._deeper(partial(self._binary, rank + 1))
            left = f"({left} {sign} {right})"

    def _unary(self) -> str:
        if self._takes("!"):
            return f"(not {self._deeper(self._unary)})"
        if self._takes("-"):
            return f"(0 - {self._deeper(self._unary)})"
        return self._after(self._primary())

    def _primary(self) -> str:
        token = self._next()
        if token.kind == "number":
            return token.text
        if token.kind == "text":
            return quoted(_unquoted(token.text))
        if token.kind == "name":
            return self._named(token.text)
        if token.text == "(":
            value = self._choice()
            self._needs(")")
            return f"({value})"
        if token.text == "[":
            return f"[{', '.join(self._list(']'))}]"
        raise UntranslatableError(f"`{token.text or 'nothing'}` in an expression")

    def _named(self, name: str) -> str:
        if name in _WORDS:
            return _WORDS[name]
        if name == "$json":
            return self._data.current(self._path())
        if name == "$input":
            return self._input()
        if name in ("$", "$node", "$items"):
            return self._other(name)
        if name in _GLOBALS:
            return _GLOBALS[name]
        if name in ("$execution", "$workflow"):
            path = tuple(self._path())
            known: dict[tuple[str, tuple[str, ...]], str] = {
                ("$execution", ("id",)): "execution_id",
                ("$workflow", ("name",)): "workflow.name",
            }
            if (name, path) in known:
                return known[name, path]
        if name == "$itemIndex":
            return "loop.index"
        return self._function(name)

    def _function(self, name: str) -> str:
        words = [name]
        while self._takes("."):
            words.append(self._next().text)
        known = _FUNCTIONS.get(tuple(words))
        if known is None or not self._takes("("):
            raise UntranslatableError(f"`{'.'.join(words)[:60]}` in an expression")
        return _call(known, self._list(")"), ".".join(words))

    def _input(self) -> str:
        """`$input.item.json.x`, `$input.first().json.x`."""
        self._item()
        return self._data.current(self._path())

    def _other(self, name: str) -> str:
        """`$node["A"].json.x`, `$('A').item.json.x`, `$items("A")[0].json.x`."""
        opening, closing = ("[", "]") if name == "$node" else ("(", ")")
        self._needs(opening)
        token = self._next()
        if token.kind != "text":
            raise UntranslatableError("another node named by a value")
        self._needs(closing)
        if name == "$items":
            self._needs("[")
            if self._next().text != "0":
                raise UntranslatableError("another item than the first")
            self._needs("]")
            self._json()
        elif name == "$node":
            self._json()
        else:
            self._item()
        return self._data.of(_unquoted(token.text), self._path())

    def _item(self) -> None:
        self._needs(".")
        word = self._next().text
        if word in ("first", "last"):
            self._needs("(")
            self._needs(")")
        elif word != "item":
            raise UntranslatableError(f"`{word[:40]}` of a node's data")
        self._json()

    def _json(self) -> None:
        self._needs(".")
        word = self._next().text
        if word != "json":
            raise UntranslatableError(f"`{word[:40]}` of a node's data")

    def _path(self) -> list[str]:
        """Fields that follow, as far as they are no methods."""
        path: list[str] = []
        while True:
            token, following = self._peek(), self._at(1)
            if token.text in (".", "?.") and following.kind == "name":
                if self._at(2).text == "(":
                    return path
                self._place += 2
                path.append(following.text)
            elif token.text == "[" and following.kind in ("text", "number") and self._at(2).text == "]":
                self._place += 3
                path.append(_unquoted(following.text) if following.kind == "text" else f"[{following.text}]")
            else:
                return path

    def _at(self, ahead: int) -> _Token:
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else _END

    def _after(self, value: str) -> str:
        """Fields and methods of a value."""
        while True:
            if self._takes(".", "?."):
                word = self._next()
                if word.kind != "name":
                    raise UntranslatableError(f"`.{word.text}` in an expression")
                value = self._method(value, word.text) if self._takes("(") else f"{value}{subscript(word.text)}"
            elif self._takes("["):
                inner = self._choice()
                self._needs("]")
                value = f"{value}[{inner}]"
            else:
                return value

    def _method(self, value: str, name: str) -> str:
        arguments = self._list(")")
        if name == "isNotEmpty" and not arguments:
            return f"(not is_empty({value}))"
        known = _METHODS.get(name)
        if known is None:
            raise UntranslatableError(f"`.{name}()` in an expression")
        function, least, most = known
        return _call((function, least + 1, most + 1), [value, *arguments], name)

    def _list(self, closing: str) -> list[str]:
        found: list[str] = []
        if self._takes(closing):
            return found
        while True:
            found.append(self._choice())
            if self._takes(closing):
                return found
            self._needs(",")


def _call(known: tuple[str, int, int], arguments: Sequence[str], told: str) -> str:
    function, least, most = known
    if not least <= len(arguments) <= most:
        raise UntranslatableError(f"`{told}` with {len(arguments)} arguments")
    return f"{function}({', '.join(arguments)})"


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    if text.startswith("'"):
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        raise UntranslatableError("an escape in a text") from None


__all__ = ["DEEPEST", "LONGEST", "Data", "quoted", "subscript", "translate"]
