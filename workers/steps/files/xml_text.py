"""XML to plain data and back. No document type, no entities of one's own, bounded depth: a document is only its text.

An element becomes a map: attributes under `@name`, text under `#text`, children under their names, repeated children as
a list. An element with nothing but text becomes that text; an empty one becomes null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

DEEPEST = 100
_START = "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u3001-\ud7ff"
_BAD_NAME = re.compile(f"[^{_START}0-9.:\u00b7-]|^(?=[^{_START}])")
_BAD_TEXT = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadXmlError(ValueError):
    """The text is not XML that is accepted here, or the data cannot be written as XML."""


class _Element:
    __slots__ = ("children", "name", "text")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.children: dict[str, Any] = {f"@{key}": value for key, value in attributes.items()}
        self.text: list[str] = []

    def add(self, name: str, value: Any) -> None:
        """Add a child; the second of a name makes a list."""
        if name not in self.children:
            self.children[name] = value
        elif isinstance(self.children[name], list):
            self.children[name].append(value)
        else:
            self.children[name] = [self.children[name], value]

    def value(self) -> Any:
        text = "".join(self.text)
        if not self.children:
            return text or None
        if text.strip():
            self.children["#text"] = text.strip()
        return self.children


def _refuse_type(*_: Any) -> None:
    raise BadXmlError("a document type (<!DOCTYPE …>) is not accepted")


def parse_xml(data: bytes) -> dict[str, Any]:
    """Plain data: a map with the root element's name as its only key."""
    stack: list[_Element] = [_Element("", {})]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > DEEPEST:
            raise BadXmlError(f"elements are nested deeper than {DEEPEST}")
        stack.append(_Element(name, attributes))

    def end(_: str) -> None:
        element = stack.pop()
        stack[-1].add(element.name, element.value())

    def text_found(text: str) -> None:
        stack[-1].text.append(text)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_type
    parser.EntityDeclHandler = _refuse_type
    parser.ExternalEntityRefHandler = lambda *_: 0
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text_found
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise BadXmlError(f"not well-formed XML: {error}") from error
    return stack[0].children


def xml_name(text: str) -> str:
    """A name XML allows: other characters become `_`."""
    return _BAD_NAME.sub("_", text) or "_"


def _text(value: Any) -> str:
    plain = "true" if value is True else "false" if value is False else str(value)
    if _BAD_TEXT.search(plain):
        raise BadXmlError("a text contains a control character, which XML cannot hold")
    return plain


def to_xml(data: Any) -> str:
    """An XML document. A map with one key gives the root its name; anything else stands below `<root>`."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    if isinstance(data, Mapping) and len(data) == 1 and not isinstance(next(iter(data.values())), list):
        name, value = next(iter(data.items()))
        _write(lines, xml_name(str(name)), value, 0)
    elif isinstance(data, list):
        _write(lines, "root", {"item": data}, 0)
    else:
        _write(lines, "root", data, 0)
    return "\n".join(lines) + "\n"


def _write(lines: list[str], name: str, value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise BadXmlError(f"the data is nested deeper than {DEEPEST}")
    indent = "  " * depth
    if isinstance(value, list):
        value = {"item": value}
    if not isinstance(value, Mapping):
        lines.append(f"{indent}<{name}/>" if value is None else f"{indent}<{name}>{escape(_text(value))}</{name}>")
        return
    attributes = "".join(
        f" {xml_name(str(key)[1:])}={quoteattr(_text(item))}"
        for key, item in value.items()
        if str(key).startswith("@") and not isinstance(item, Mapping | list)
    )
    lines.append(f"{indent}<{name}{attributes}>")
    for key, item in value.items():
        if str(key).startswith("@") and not isinstance(item, Mapping | list):
            continue
        if key == "#text":
            lines.append(f"{indent}  {escape(_text(item))}")
            continue
        for one in item if isinstance(item, list) else [item]:
            _write(lines, xml_name(str(key)), one, depth + 1)
    lines.append(f"{indent}</{name}>")
