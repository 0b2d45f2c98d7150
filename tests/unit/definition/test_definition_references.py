"""Texts that are alike are compiled once; what they refer to must be the same as if each were compiled by itself."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from pydantic import BaseModel

from apps.melodies.definition.expressions import References, compile_condition, compile_source, compile_template
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.problems import ProblemList
from apps.melodies.definition.references import ReferenceReader, StepUses

TEXTS = [
    "steps.load_1.rows > 3 and state.limit_2 != '17'",
    "steps.a1.b2 == steps.b2.a1 or c3.d4",
    "any(steps.list_9.items, 'score_1 > 3 and steps.other_2.x')",
    "steps['score_17'].x + steps[17] + state['n 4']",
    "x1 matches '\\d1a{2}' and y2",
    "item3.n0 == n0 and n1 == n2",
    "load-1.x and my-step.y2 and a1-b.c",
    "round(state.v10 / 3, 2) between 1 and 20",
    "previous_response:find_2.files[0].name_3",
    "steps.state.x and state.steps and steps.length.x1",
    "v1e5 > 1e5 and 2.5 < w2",
    "inputs.x1 == loop.item2.n and workflow.name",
    "startsWith(p1, 'q2') ? r3 : 's4'",
    "count(s5, 't6 > 1') > 0",
]
MANY = [text.replace("1", str(digit)).replace("2", str(digit + 3)) for text in TEXTS for digit in (1, 4, 15)]


def read_in(reader: ReferenceReader, how: str, text: str) -> tuple[set[tuple[str, str]], set[str]]:
    found = StepUses([], [])
    if how == "condition":
        reader.condition(text, "", found)
    else:
        reader.template(text, "", found)
    return {(use.how, use.name) for use in found.uses}, set(found.variables)


def expected(references: References) -> tuple[set[tuple[str, str]], set[str]]:
    uses = [("step", references.steps), ("bare", references.bare), ("maybe", references.maybe)]
    return {(how, name) for how, names in uses for name in names}, set(references.variables)


@pytest.mark.parametrize("seed", range(3))
def test_conditions_in_any_order(seed: int) -> None:
    problems = ProblemList(10)
    reader = ReferenceReader(problems)
    texts = MANY.copy()
    random.Random(seed).shuffle(texts)
    for text in texts:
        assert read_in(reader, "condition", text) == expected(compile_condition(text).references), text
    assert len(problems) == 0


def test_templates_are_their_expressions() -> None:
    problems = ProblemList(10)
    reader = ReferenceReader(problems)
    for one, other in pairwise(MANY):
        text = f"Dear {{{{{one}}}}} and 17 of {{{{ {other} }}}}!"
        assert read_in(reader, "template", text) == expected(compile_template(text).references), text
    assert len(problems) == 0


def test_sources() -> None:
    kind = StepKind("any", BaseModel, "", sources=("source",))
    reader = ReferenceReader(ProblemList(10))
    for number in range(3):
        for form in (
            "previous_response:find_%.files",
            "find_%:files_4",
            "context:results.find_%.x",
            "steps.find_%[0].x",
        ):
            text = form.replace("%", str(number))
            found = reader.read(kind, {"source": text}, "", ())
            uses = {(use.how, use.name) for use in found.uses}, set(found.variables)
            assert uses == expected(compile_source(text).references), text
