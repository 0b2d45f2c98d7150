"""Reasons in sentences: every code has one, whatever is in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.executions.reasons import CODES, prediction_of, sentence_of

STEPS = [{"task": "1", "name": f"s{number}", "status": "pending"} for number in range(7)]
AT = "2026-01-31T12:00:00.123456+01:00"


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (
            {"code": "waits_for_steps", "inner": False, "steps": STEPS[:1], "remaining": 1, "needed": 1, "of": 1},
            "It waits for 1 step before it: s0 (pending).",
        ),
        (
            {"code": "waits_for_steps", "inner": False, "steps": STEPS, "remaining": 7, "needed": 2, "of": 7},
            "It waits for 7 steps before it (2 of 7 are enough): s0 (pending), s1 (pending), s2 (pending), s3 (pending), s4 (pending) and 2 more.",
        ),
        (
            {"code": "paused", "by": "ada@example.org", "at": AT, "reason": "tea"},
            "The run was paused by ada@example.org at 2026-01-31 11:00:00 UTC (tea). It goes on when somebody resumes it.",
        ),
        (
            {
                "code": "no_worker",
                "queue": "steps+gpu",
                "base": "steps",
                "requires": ["gpu"],
                "workers": {"online": 0, "gone": 2},
                "seen_at": AT,
            },
            "No worker for queue steps with gpu is online (2 gone; last seen 2026-01-31 11:00:00 UTC).",
        ),
        (
            {"code": "approval", "role": "admin", "quorum": 2, "approvals": 1, "heading": "Ship?", "until": None},
            "It waits for approval 'Ship?' by somebody of role admin or above (1 of 2 have).",
        ),
        ({"code": "timer", "until": AT}, "It waits until 2026-01-31 11:00:00 UTC."),
        ({"code": "what it says itself", "message": "As it is."}, "As it is."),
    ],
)
def test_sentences(reason: dict[str, Any], sentence: str) -> None:
    assert sentence_of(reason) == sentence


@given(
    st.sampled_from([*CODES, "unheard_of"]),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(0, 9) | st.none()
            for name in ("remaining", "of", "needed", "ahead", "limit", "quorum", "approvals", "calls")
        },
    ),
    st.fixed_dictionaries(
        {}, optional={name: st.just(AT) | st.none() for name in ("at", "until", "since", "lease_until", "seen_at")}
    ),
)
def test_no_reason_is_left_without_words(code: str, numbers: dict[str, Any], moments: dict[str, Any]) -> None:
    needed = {"needed": 1, "of": 2} | numbers | moments
    sentence = sentence_of({"code": code, **needed})
    assert sentence.endswith(".")
    assert "  " not in sentence


def test_predictions() -> None:
    assert prediction_of(None) == ""
    assert (
        prediction_of({"at": None, "because": "approval"}) == "When it begins cannot be known: it depends on a person."
    )
    told = prediction_of({"at": AT, "confidence": "high"})
    assert told == "It is likely to begin at 2026-01-31 11:00:00 UTC (quite sure)."
