"""Read a long melody and evaluate expressions; print seconds as JSON. `python -m benchmarks.inside.language STEPS SEED`."""

from __future__ import annotations

import json
import sys
import time
import timeit
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

import yaml

from apps.melodies.definition.document import parse
from apps.melodies.definition.expressions import Scope, compile_expression
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.model import Step
from apps.melodies.definition.validation import load, validate
from benchmarks.mixed_melody import EXPRESSIONS, yaml_text

Result = TypeVar("Result")

_JINJA = {
    EXPRESSIONS[2]: "state.x | upper if state.n > 2 else 'none'",
    EXPRESSIONS[3]: "(steps.a.result['items'] | length) >= 2 or inputs.force",
    EXPRESSIONS[1]: "steps.a.result['items'][1].score * 2 + state.n",
}
"""What is written otherwise in Jinja: it has `a if b else c`, filters for functions, and `items` is a method."""
_NAMES: dict[str, Any] = {
    "steps": {"a": {"result": {"count": 5, "items": [{"score": 1}, {"score": 7}]}}},
    "state": {"x": "y", "n": 3, **{f"v{number}": number for number in range(30)}},
    "inputs": {"force": False},
}
_TIMES, _REPEATS = 5_000, 7


def main(steps: int, seed: int) -> dict[str, float]:
    """Seconds: `parse`, `validate` and `plan` of a melody; `yaml` for PyYAML's C loader on the same text. Keys that start
    with `evaluate` and `jinja` are one evaluation of an expression that was compiled before."""
    # What a web process has done long before the first document comes.
    compile_plan = import_module("workers.compiler.plan").compile_plan
    compile_plan(load(yaml_text(40, seed=seed + 1), known_kinds(), media="yaml"), known_kinds())
    source = yaml_text(steps, seed=seed)
    found: dict[str, float] = {}
    found["parse"], parsed = _timed(lambda: parse(source, media="yaml"))
    found["validate"], definition = _timed(lambda: validate(parsed, known_kinds()))
    found["plan"], _ = _timed(lambda: compile_plan(definition, known_kinds()))
    found["steps"] = _count(definition.steps)
    found["yaml"], _ = _timed(lambda: yaml.load(source, Loader=yaml.CSafeLoader))
    scope = Scope(**_NAMES)
    for number, text in enumerate(EXPRESSIONS):
        expression = compile_expression("{{" + text + "}}")
        found[f"evaluate {number}"] = _once(lambda expression=expression: expression.evaluate(scope))  # type: ignore[misc]
        if find_spec("jinja2"):
            compiled = import_module("jinja2.sandbox").SandboxedEnvironment().compile_expression(_JINJA.get(text, text))
            found[f"jinja {number}"] = _once(lambda compiled=compiled: compiled(_NAMES))  # type: ignore[misc]
    return found


def _count(steps: Sequence[Step]) -> int:
    return sum(1 + sum(_count(body.steps) for body in step.bodies) for step in steps)


def _once(call: Callable[[], object]) -> float:
    return min(timeit.repeat(call, number=_TIMES, repeat=_REPEATS)) / _TIMES


def _timed(call: Callable[[], Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    import_module("workers.steps")
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
