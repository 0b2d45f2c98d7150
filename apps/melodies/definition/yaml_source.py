"""YAML text to plain values, in one pass over libyaml's events.

No node tree and no positions are kept, so a melody of 100,000 steps stays small in memory. What is wrong but does not
keep us from reading on is collected; what does is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
    StreamEndEvent,
)

from .limits import Limits
from .plain_values import too_deep, too_many_nodes
from .pointers import child
from .positions import duplicate_key
from .problems import InvalidDocument, Problem
from .source_tokens import start_of
from .yaml_errors import syntax_problem
from .yaml_scalars import BadScalarError, Scalar, check_collection_tag, key_text, scalar_value

_MERGE = "<<"
_EMPTY = Problem("empty_document", "The document is empty.", "", 1, 1)


def read_yaml(text: str, limits: Limits) -> tuple[Any, list[Problem]]:
    """The value of the one document in `text`, and the problems met on the way."""
    builder = _Builder(limits)
    parser = CParser(text)
    try:
        while builder.feed(parser.get_event()):
            pass
    except YAMLError as error:
        raise InvalidDocument([*builder.problems, syntax_problem(error, text)]) from None
    finally:
        parser.dispose()
    if not builder.root:
        raise InvalidDocument([*builder.problems, _EMPTY])
    return builder.root[0], builder.problems


@dataclass(slots=True)
class _Anchored:
    """A value with a name, and what an alias to it costs."""

    value: Any
    nodes: int
    characters: int


@dataclass(slots=True)
class _Frame:
    """A container that is still open; the innermost one lives in the builder itself."""

    container: Any
    key: str | None
    anchor: str | None
    nodes: int
    characters: int
    merges: list[dict[str, Any]] | None = None
    merging: bool = False


class _Builder:
    def __init__(self, limits: Limits) -> None:
        self.root: list[Any] = []
        self.problems: list[Problem] = []
        self._limits = limits
        self._stack: list[_Frame] = []
        self._frame = _Frame(self.root, None, None, 0, 0)
        self._in_map = False
        self._nodes = 0
        self._characters = 0
        self._anchors: dict[str, _Anchored] = {}
        self._plain: dict[str, Scalar] = {}
        self._keys: dict[str, str] = {}

    def feed(self, event: Event | None) -> bool:
        """Take the next event; False after the last one."""
        if isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, CollectionStartEvent):
            self._open(event)
        elif isinstance(event, CollectionEndEvent):
            self._close(event)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent) and self.root:
            self._note(
                event, "several_documents", "Only one document is allowed; remove everything from this `---` on."
            )
            return False
        return event is not None and not isinstance(event, StreamEndEvent)

    def _scalar(self, event: ScalarEvent) -> None:
        text = event.value
        self._nodes += 1
        self._characters += len(text)
        if self._nodes > self._limits.max_nodes:
            self._check_size(event)
        frame = self._frame
        if self._in_map and frame.key is None:
            self._key(event, frame)
            return
        value: Any = self._plain.get(text, self) if event.implicit[0] else self
        if value is self:
            value = self._fresh(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, 1, len(text))
        if self._in_map:
            self._deliver(value, event)
        else:
            frame.container.append(value)

    def _fresh(self, event: ScalarEvent) -> Scalar:
        """The value of a scalar that was not met before."""
        try:
            value = scalar_value(event)
        except BadScalarError as error:
            self._note(event, error.code, str(error))
            return None
        if event.implicit[0]:
            self._plain[event.value] = value
        return value

    def _key(self, event: ScalarEvent, frame: _Frame) -> None:
        text = event.value
        if event.implicit[0] and text in self._keys:
            key = self._keys[text]
        else:
            try:
                key = key_text(event)
            except BadScalarError as error:
                self._note(event, error.code, str(error))
                key = text
            if event.implicit[0]:
                self._keys[text] = key
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(key, 1, len(text))
        frame.merging = key == _MERGE and bool(event.implicit[0])
        if key in frame.container:
            self._add(duplicate_key(key, self._pointer(), start_of(event)))
        frame.key = key

    def _deliver(self, value: Any, event: Event) -> None:
        frame = self._frame
        if not self._in_map:
            frame.container.append(value)
            return
        key = frame.key
        frame.key = None
        if frame.merging:
            self._merge(value, event)
        else:
            frame.container[key] = value

    def _merge(self, value: Any, event: Event) -> None:
        """Keep what `<<` brings until the mapping is complete, for its own keys win."""
        frame = self._frame
        frame.merging = False
        frame.merges = frame.merges or []
        for source in value if isinstance(value, list) else [value]:
            if isinstance(source, dict):
                frame.merges.append(source)
            else:
                self._note(event, "invalid_merge", "`<<` takes a mapping, or a list of mappings, to be merged in.")

    def _open(self, event: CollectionStartEvent) -> None:
        self._nodes += 1
        self._check_size(event)
        if self._in_map and self._frame.key is None:
            raise InvalidDocument([*self.problems, self._complex_key(event)])
        if len(self._stack) >= self._limits.max_depth:
            raise InvalidDocument([*self.problems, too_deep(self._limits, self._pointer(), *start_of(event))])
        is_map = isinstance(event, MappingStartEvent)
        try:
            check_collection_tag(event.tag, "map" if is_map else "seq")
        except BadScalarError as error:
            self._note(event, error.code, str(error))
        container: Any = {} if is_map else []
        self._stack.append(self._frame)
        self._frame = _Frame(container, None, event.anchor, self._nodes - 1, self._characters)
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._in_map = is_map

    def _close(self, event: Event) -> None:
        frame = self._frame
        if frame.merges:
            for source in frame.merges:
                for key, value in source.items():
                    frame.container.setdefault(key, value)
        if frame.anchor is not None:
            cost = (self._nodes - frame.nodes, self._characters - frame.characters)
            self._anchors[frame.anchor] = _Anchored(frame.container, *cost)
        self._frame = self._stack.pop()
        self._in_map = type(self._frame.container) is dict
        self._deliver(frame.container, event)

    def _alias(self, event: AliasEvent) -> None:
        name = event.anchor or ""
        anchored = self._anchors.get(name)
        if anchored is None:
            self._note(event, *self._why_unknown(name))
            anchored = _Anchored(None, 1, 0)
        self._nodes += anchored.nodes
        self._characters += anchored.characters
        self._check_size(event)
        if self._in_map and self._frame.key is None:
            if not isinstance(anchored.value, str):
                raise InvalidDocument([*self.problems, self._complex_key(event)])
            self._frame.key = anchored.value
            return
        self._deliver(anchored.value, event)

    def _why_unknown(self, name: str) -> tuple[str, str]:
        if any(frame.anchor == name for frame in (*self._stack, self._frame)):
            return (
                "cyclic_alias",
                f"The alias *{name} stands inside the value it names; a melody cannot contain itself.",
            )
        return "unknown_alias", f"There is no anchor &{name} before this alias."

    def _check_size(self, event: Event) -> None:
        limits = self._limits
        if self._nodes > limits.max_nodes or self._characters > limits.max_bytes:
            raise InvalidDocument([*self.problems, too_many_nodes(limits, *start_of(event))])

    def _complex_key(self, event: Event) -> Problem:
        message = "A key must be plain text. If this is a template such as {{ name }}, put it in quotes."
        return Problem("invalid_key", message, self._pointer(), *start_of(event))

    def _note(self, event: Event, code: str, message: str) -> None:
        self._add(Problem(code, message, self._pointer(), *start_of(event)))

    def _add(self, problem: Problem) -> None:
        if len(self.problems) < self._limits.max_problems:
            self.problems.append(problem)

    def _pointer(self) -> str:
        """Where the builder stands now."""
        pointer = ""
        for frame in (*self._stack[1:], self._frame) if self._stack else ():
            if isinstance(frame.container, list):
                pointer = child(pointer, len(frame.container))
            elif frame.key is not None:
                pointer = child(pointer, frame.key)
        return pointer
