"""Random DAGs come down to their end as the reference interpreter says, whatever the order workers finish in."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

import workers.steps  # noqa: F401 - makes the step kinds known
from apps.melodies.definition import load_value
from apps.melodies.definition.kinds import known_kinds
from tests.unit.compiler.melodies import Sketch, document, interpret, sketches
from workers.compiler.countdown import Countdown
from workers.compiler.plan import compile_plan


@settings(max_examples=2000, deadline=None)
@given(steps=sketches(), seed=st.integers(0, 2**16))
def test_every_order_of_completion_gives_the_reference_result(steps: list[Sketch], seed: int) -> None:
    plan = compile_plan(load_value(document(steps), known_kinds()), known_kinds())
    countdown = Countdown(plan.nodes[: plan.size])
    order = random.Random(seed)
    started = countdown.start()
    seen = list(started)
    while started:
        number = started.pop(order.randrange(len(started)))
        step = steps[int(plan.nodes[number].name[1:])]
        outcome = "tolerated" if step.acts == "failed" and step.tolerates else step.acts
        released = countdown.finish(number, outcome)
        assert countdown.finish(number, outcome) == [], "an outcome that arrives twice changes nothing"
        started += released
        seen += released
    assert len(seen) == len(set(seen)), "a step was started twice"
    assert countdown.over
    became = {plan.nodes[number].name: outcome for number, outcome in countdown.decided.items()}
    expected = interpret(steps)
    assert [became[f"s{index}"].replace("tolerated", "failed") for index in range(len(steps))] == expected


@settings(max_examples=300, deadline=None)
@given(steps=sketches())
def test_nothing_runs_any_more_when_the_body_is_over(steps: list[Sketch]) -> None:
    plan = compile_plan(load_value(document(steps), known_kinds()), known_kinds())
    countdown = Countdown(plan.nodes[: plan.size])
    started = countdown.start()
    while started:
        assert not countdown.over
        started += countdown.finish(started.pop(0), "completed")
    assert countdown.over
