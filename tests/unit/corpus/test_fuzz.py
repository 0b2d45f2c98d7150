"""Documents that were damaged, or made to hurt: always a definition or a list of problems, in bounded time and memory."""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.melodies.definition import Definition, InvalidDocument, Limits, known_kinds, load, load_value, parse
from workers.compiler.plan import compile_plan

SOURCES = [path.read_bytes() for path in sorted((Path(__file__).parent / "documents").rglob("*.yaml"))]
VALUES = [parse(source).value for source in SOURCES]

SECONDS = 30.0
"""For what should take a few seconds at most; machines that run tests are busy."""
MEMORY = 1_500_000
"""Kilobytes that may be added to what the process held at most."""

FRAGMENTS = [
    b"{{", b"}}", b"${", b"&a ", b"*a", b"<<: *a", b"- ", b": ", b"\n", b"\t", b"'", b'"', b"|", b">", b"!!int ", b"? ", b"#",
    b"{", b"}", b"[", b"]", b"\x00", b"\xff", b"steps:", b"depends_on: [", b"{{steps.", b"on_error:", b"~", b"1e999", b"---\n",
]  # fmt: skip


def outcome(read: Callable[[], Definition]) -> Definition | None:
    """What became of a document; anything but a definition or problems is raised. What is valid must compile as well."""
    try:
        definition = read()
    except InvalidDocument as error:
        if not error.problems or not all(problem.message for problem in error.problems):
            raise AssertionError("refused without saying why") from error
        return None
    assert compile_plan(definition, known_kinds()).nodes
    return definition


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A document with a few cuts, copies and insertions."""
    source = bytearray(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(source)))
        end = min(len(source), start + draw(st.integers(0, 40)))
        piece = bytes(source[start:end])
        how = draw(st.sampled_from(["cut", "copy", "insert", "replace"]))
        if how == "cut":
            del source[start:end]
        elif how == "copy":
            place = draw(st.integers(0, len(source)))
            source[place:place] = piece * draw(st.integers(1, 3))
        else:
            fragment = draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=4))
            source[start : end if how == "replace" else start] = fragment
    return bytes(source)


@given(damaged())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_sources(source: bytes) -> None:
    outcome(lambda: load(source, known_kinds()))


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes(source: bytes) -> None:
    outcome(lambda: load(source, known_kinds()))


STRANGE: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "x", "{{", "{{steps.a}}", "{{error.code}}", [], {}, [[]], [None], {"": None}, {"name": {}},
    [{"name": "a", "type": "test_echo"}], {"steps": [{"name": "a", "type": "claude"}]}, "steps.a.b", ["{{item}}", 3]]  # fmt: skip
WORDS = [
    "steps", "cases", "default", "pipeline", "on_error", "error_handler", "compensate", "retry", "cache", "variables", "condition",
    "prompt", "claude_options", "parallel_tasks", "tasks", "operations", "iterator", "data_source", "output_schema", "depends_on",
    "join", "type", "name", "timeout", "streaming", "queries", "defaults", "connections", "mode", "functions", "workflow",
]  # fmt: skip


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A document some of whose values were replaced, taken away, added or swapped."""
    value = json.loads(json.dumps(draw(st.sampled_from(VALUES))))
    shuffle = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 5))):
        container = _somewhere(value, shuffle)
        strange = json.loads(json.dumps(shuffle.choice(STRANGE)))
        if isinstance(container, dict):
            known = shuffle.choice([*container, *WORDS])
            if shuffle.random() < 0.2:
                container.pop(known, None)
            else:
                container[known] = strange if shuffle.random() < 0.7 else _somewhere(value, shuffle)
        elif shuffle.random() < 0.5 and container:
            container[shuffle.randrange(len(container))] = strange
        else:
            container.append(strange)
        try:
            value = json.loads(json.dumps(value))
        except ValueError:  # It would hold itself.
            value = {"workflow": {"name": "w", "steps": [strange]}}
    return value


def _somewhere(value: Any, shuffle: random.Random) -> Any:
    found = [value]
    for container in found:
        found.extend(
            member
            for member in (container.values() if isinstance(container, dict) else container)
            if isinstance(member, dict | list)
        )
    return shuffle.choice(found)


@given(changed())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changed_documents(value: Any) -> None:
    outcome(lambda: load_value(value, known_kinds()))


def quickly(source: str, limits: Limits) -> Definition | None:
    """The outcome of a document that was made to be slow or large; within bounds of both."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    found = outcome(lambda: load(source, known_kinds(), limits=limits))
    assert time.process_time() - started < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY
    return found


HEAD = "workflow:\n  name: w\n  steps:\n"
ECHO = "name: only, type: test_echo"


def prompt(text: str) -> str:
    return HEAD + "    - name: only\n      type: claude\n      prompt: |\n        " + text + "\n"


def word(number: int) -> str:
    """A word of its own for each number, without digits."""
    return "".join(chr(ord(digit) + 50) for digit in str(number)) + "_"


def echoes(number: int, fields: str) -> str:
    """Many steps; `%` in their fields is the number of each."""
    lines = [f"    - {{name: a{n}, type: test_echo, {fields.replace('%', str(n))}}}" for n in range(number)]
    return HEAD + "\n".join(lines)


def nested(opening: str, closing: str, depth: int) -> str:
    return "workflow: {name: w, steps: [" + opening * depth + f"{{{ECHO}}}" + closing * depth + "]}"


def many_aliases() -> str:
    """A few lines that stand for half a million steps."""
    lists = "x: &a {name: a, type: test_echo}\ny: &b [" + "*a, " * 999 + "*a]\n"
    loop = "    - {{name: l{}, type: for_loop, iterator: i, data_source: [1], steps: *b}}"
    return lists + HEAD + "\n".join(loop.format(n) for n in range(500))


def wide_switch() -> str:
    expression = " + ".join(f"n{n}" for n in range(1_200))
    cases = "".join(f"        c{n}: [{{name: s, type: test_echo}}]\n" for n in range(10_000))
    return HEAD + f"    - name: only\n      type: switch\n      expression: {expression}\n      cases:\n" + cases


def lines(number: int, line: str) -> str:
    return "".join(line.replace("%", f"{n:x}") + "\n" for n in range(number))


SMALL = Limits(max_steps=2_000, max_expressions=2_000)
HURTFUL: dict[str, tuple[str, object]] = {
    "aliases that stand for many steps": (many_aliases(), "too_many_steps"),
    "a text of ten million letters": (prompt("x" * 10_000_000), None),
    "millions of opening braces": (prompt("{{" * 4_000_000), "invalid_expression"),
    "half a million templates": (prompt("{{a}} " * 500_000), None),
    "templates that all differ": (prompt("".join(f"{{{{{word(n)}}}}}" for n in range(20_000))), "too_many_expressions"),
    "quotes never closed": (prompt("{{'" * 500_000), "invalid_expression"),
    "fields nobody knows": (HEAD + f"    - name: only\n      type: test_echo\n{lines(60_000, '      zzyx%: 1')}", "invalid_value"),
    "variables of one step": (HEAD + f"    - name: only\n      type: test_echo\n      variables:\n{lines(1_900, '        v%: $')}".replace("$", "'{{v}}'"), None),
    "a list of wrong items": (HEAD + f"    - {{name: a, type: claude, prompt: x, claude_options: {{allowed_tools: [{'1, ' * 300_000}1]}}}}", "invalid_value"),
    "a switch of many cases": (wide_switch(), "too_many_steps"),
    "patterns in schemas": (echoes(1_900, "output_schema: {type: object, properties: {p: {pattern: '(a{9}){9}%'}}}"), None),
    "unknown steps": (echoes(1_900, "value: '{{steps.b%}}'"), "unknown_step"),
    "nested workflows": (nested("{name: a, type: pipeline, pipeline: {steps: [", "]}}", 30), None),
    "nested handlers": (nested("{name: a, type: test_echo, on_error: [", "]}", 46), None),
    "loops too deep": (nested("{name: a, type: for_loop, iterator: i, data_source: [1], steps: [", "]}", 200), "too_deep"),
    "strangers at the top": (lines(40_000, "zzyx%: 1") + f"workflow: {{name: w, steps: [{{{ECHO}}}]}}", None),
}  # fmt: skip


@pytest.mark.parametrize("name", HURTFUL)
def test_documents_made_to_hurt(name: str) -> None:
    source, code = HURTFUL[name]
    found = quickly(source, SMALL)
    assert (found is not None) is (code is None)
    if code is not None:
        with pytest.raises(InvalidDocument) as caught:
            load(source, known_kinds(), limits=SMALL)
        assert caught.value.problems[0].code == code
