"""The workflow control-flow patterns: each melody of `examples/patterns` does what makes its pattern that pattern.

One engine plays all of them, several at once; each run is told what it waits for, and looked at when it has ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from apps.melodies.definition import InvalidDocument, known_kinds, load
from tests.workers.history import (
    Claim,
    History,
    apart,
    each_gives,
    each_round,
    ended,
    gives,
    goes_on,
    history_of,
    in_order,
    last_gives,
    never_ran,
    one_after_another,
    ran,
    rounds_apart,
    run_is,
    that,
    times,
    together,
)
from tests.workers.stage import Ahead, Script, Stage, asked_for, tell, told, until_over, until_waiting

PATTERNS = Path(__file__).resolve().parents[2] / "examples" / "patterns"
FILES = {int(file.name[:2]): file for file in sorted(PATTERNS.glob("*.yaml"))}


@dataclass(frozen=True, slots=True)
class Case:
    """A run of a pattern's melody: what it is given, what it is told meanwhile, and what must be true of it then."""

    number: int
    claims: tuple[Claim, ...]
    given: Mapping[str, Any] = field(default_factory=dict)
    script: Script | None = None
    ends: str = "completed"
    label: str = ""

    @property
    def id(self) -> str:
        return f"{FILES[self.number].stem}{'-' if self.label else ''}{self.label}"


def case(number: int, *claims: Claim, **fields: Any) -> Case:
    return Case(number, claims, **fields)


def votes(seen: History) -> int:
    return sum(int(one["results"]["ask"]) for one in seen.result("neighbours")["iterations"])


# -- the table ---------------------------------------------------------------------------------------------------------
FIRE = {"call": {"fire": True, "injured": 0, "crime": False}}
FIRE_AND_INJURED = {"call": {"fire": True, "injured": 2, "crime": False}}
EVERYTHING = {"call": {"fire": True, "injured": 1, "crime": True}}
NOTHING = {"call": {"fire": False, "injured": 0, "crime": False}}
LETTER = {"letter": False, "online": False, "attachment": False, "stamp": False}

CASES = (
    case(
        1,
        ran("receive", "pack", "ship"),
        in_order("receive", "pack", "ship"),
        gives("ship", "an order, packed, shipped"),
    ),
    case(2, in_order("receive", "pack"), in_order("receive", "invoice"), together("pack", "invoice")),
    case(
        3,
        together("pack", "invoice"),
        in_order("pack", "ship"),
        in_order("invoice", "ship"),
        ran("ship"),
        gives("ship", "a parcel with a bill"),
    ),
    case(4, ran("ask_director"), never_ran("ask_manager", "just_buy"), given={"amount": 5000}, label="large"),
    case(4, ran("ask_manager"), never_ran("ask_director", "just_buy"), given={"amount": 500}, label="medium"),
    case(4, ran("just_buy"), never_ran("ask_director", "ask_manager"), given={"amount": 5}, label="default"),
    case(5, ran("charge_card", "confirm"), ended("skipped", "send_invoice"), given={"method": "card"}, label="card"),
    case(5, ran("send_invoice", "confirm"), ended("skipped", "charge_card"), given={"method": "invoice"}, label="bill"),
    case(6, ran("fire_brigade"), ended("skipped", "ambulance", "police"), given=FIRE, label="one"),
    case(6, ran("fire_brigade", "ambulance", "police"), given=EVERYTHING, label="all"),
    case(6, ended("skipped", "fire_brigade", "ambulance", "police"), given=NOTHING, label="none"),
    case(
        7,
        ran("fire_brigade", "ambulance", "report"),
        in_order("fire_brigade", "report"),
        in_order("ambulance", "report"),
        ended("skipped", "police"),
        given=FIRE_AND_INJURED,
        label="two",
    ),
    case(7, ran("fire_brigade", "report"), in_order("fire_brigade", "report"), given=FIRE, label="one"),
    case(7, ended("skipped", "fire_brigade", "ambulance", "police", "report"), given=NOTHING, label="none"),
    case(
        8,
        times("review", 3),
        ran("dig", "order", "book"),
        goes_on("review", before_the_end_of="dig"),
        each_gives("review", ["foundations reviewed", "materials reviewed", "workers reviewed"]),
    ),
    case(
        9,
        ran("triage", "pulse", "breathing"),
        in_order("pulse", "triage"),
        goes_on("triage", before_the_end_of="breathing"),
    ),
    case(10, times("write", 2), times("check", 3), times("sign", 2), gives("told", "2 drafts, 3 checks")),
    case(11, ran("sell", "empty_bins"), goes_on("empty_bins", before_the_end_of="sell")),
    case(
        12,
        times("send_notice", 3),
        together("send_notice"),
        ran("next_case"),
        goes_on("next_case", before_the_end_of="send_notice"),
        in_order("offences", "send_notice"),
    ),
    case(
        13,
        times("sign", 3),
        together("sign"),
        in_order("sign", "file"),
        gives("file", ["yearly signed", "monthly signed", "weekly signed"]),
    ),
    case(
        14,
        times("check_engine", 4),
        together("check_engine"),
        in_order("check_engine", "take_off"),
        gives("take_off", "4 engines checked"),
        given={"engines": 4},
        label="four",
    ),
    case(14, times("check_engine", 1), gives("take_off", "1 engines checked"), given={"engines": 1}, label="one"),
    case(
        15,
        times("witness", 3),
        one_after_another("witness"),
        times("statements", 3),
        last_gives("statements", ["statement 1", "statement 2", "statement 3"]),
        given={"witnesses": 3},
        label="three",
    ),
    case(15, times("witness", 1), last_gives("statements", ["statement 1"]), given={"witnesses": 1}, label="one"),
    case(
        16,
        that("the answer wins", lambda seen: seen.result("first")["winner"] == "answer"),
        gives("book", "booked: 7c"),
        never_ran("release"),
        ended("cancelled", "time_is_up"),
        given={"patience": 600},
        script=told(until_waiting("customer_answers"), tell("answer", {"seat": "7c"})),
        label="answer",
    ),
    case(
        16,
        that("time wins", lambda seen: seen.result("first")["winner"] == "silence"),
        ran("release"),
        never_ran("book"),
        ended("cancelled", "customer_answers"),
        given={"patience": 0.2},
        label="silence",
    ),
    case(
        17,
        ran("clamp", "saw", "paint", "polish", "deliver"),
        apart("clamp", "saw", "paint", "polish"),
        in_order("clamp", "saw", "deliver"),
        in_order("paint", "polish", "deliver"),
    ),
    case(
        18,
        gives("change_seat", "9a"),
        in_order("open_sale", "change_seat", "close_sale"),
        script=told(until_waiting("wish"), tell("change_seat", "9a"), until_over("change_seat"), tell("close")),
        label="open",
    ),
    case(
        18,
        ended("skipped", "change_seat"),
        in_order("close_sale", "change_seat"),
        script=told(until_waiting("wish"), tell("close"), until_over("close_sale"), tell("change_seat", "9a")),
        label="closed",
    ),
    case(19, ended("cancelled", "search_by_hand"), ran("found_elsewhere", "report"), gives("report", "found")),
    case(
        20,
        ended("cancelled", "check_credit"),
        never_ran("print_contract"),
        run_is("cancelled", "The customer has withdrawn."),
        ends="cancelled",
    ),
    case(
        21,
        times("play", 3),
        times("bow", 3),
        each_gives("bow", [1, 2, 3]),
        gives("lights", "3 encores"),
        given={"rounds": 3},
        label="three",
    ),
    case(21, never_ran("play"), gives("lights", "0 encores"), given={"rounds": 0}, label="none"),
    case(22, times("factorial", 4), each_gives("factorial", [1, 2, 6, 24]), given={"number": 4}),
    case(
        23,
        gives("sprinkle", "second"),
        script=told(
            until_waiting("armed"), tell("smoke", "first"), tell("arm"), until_waiting("alarm"), tell("smoke", "second")
        ),
    ),
    case(
        24,
        gives("reply", "first"),
        script=told(until_waiting("opened"), tell("letter", "first"), tell("open"), until_over("letter")),
    ),
    case(25, ran("choose_route", "send_by_rail"), ended("cancelled", "book_ship", "insure", "load"), never_ran("load")),
    case(26, ended("cancelled", "tests"), times("test", 1), never_ran("publish"), ran("call_off")),
    case(27, ended("completed", "bids"), times("bid", 2), gives("sold", "2 bids"), in_order("hammer", "sold")),
    case(
        28,
        times("treat", 2),
        rounds_apart("quick_check", "slow_check"),
        each_round("treat", before_the_end_of="slow_check"),
    ),
    case(29, ran("read"), ended("completed", "library"), ended("cancelled", "archive", "attic")),
    case(
        30,
        ran("decided", "anna", "berta", "clara"),
        in_order("berta", "decided"),
        goes_on("decided", before_the_end_of="clara"),
    ),
    case(
        31,
        times("decided", 2),
        rounds_apart("anna", "berta", "clara"),
        each_round("decided", before_the_end_of="clara"),
    ),
    case(32, ran("decided", "anna", "berta"), in_order("berta", "decided"), ended("cancelled", "clara")),
    case(
        33,
        each_gives("pair", ["l1 + r1", "l2 + r2"]),
        script=told(
            until_waiting("right"),
            tell("left_shoe", "l1"),
            tell("left_shoe", "l2"),
            tell("right_shoe", "r1"),
            until_over("pair"),
            tell("right_shoe", "r2"),
        ),
        given={"pairs": 2},
    ),
    case(34, gives("decide", [0, 1]), times("review", 3), goes_on("decide", before_the_end_of="review")),
    case(35, gives("decide", [0, 2]), times("review", 2), ended("completed", "reviews")),
    case(
        36,
        that("just enough votes", lambda seen: votes(seen) >= 10 > votes(seen) - 5),
        ended("completed", "neighbours"),
        that("few were asked", lambda seen: 4 <= seen.result("petition") <= 5),
        given={"wanted": 10},
    ),
    case(
        37,
        ran("open_letter", "paper", "decide"),
        never_ran("read_online", "print_attachment", "check_signature"),
        given=LETTER | {"letter": True},
        label="one",
    ),
    case(
        37,
        ran("open_letter", "check_signature", "paper", "decide"),
        in_order("open_letter", "paper"),
        in_order("check_signature", "decide"),
        never_ran("print_attachment"),
        given=LETTER | {"letter": True, "online": True, "stamp": True},
        label="crossing",
    ),
    case(
        37,
        ran("print_attachment", "check_signature", "paper", "decide"),
        never_ran("open_letter"),
        given=LETTER | {"online": True, "stamp": True, "attachment": True},
        label="inner",
    ),
    case(37, never_ran("paper", "decide"), given=LETTER, label="none"),
    case(
        38,
        ran("loops", "merge"),
        times("attempt", 3),
        ended("skipped", "not_taken"),
        ended("cancelled", "cancelled"),
        ended("failed", "fails"),
        in_order("loops", "merge"),
        gives("merge", "after 3 tries"),
    ),
    case(
        39,
        ran("first_booking", "second_booking"),
        apart("first_booking", "second_booking"),
        times("read", 2),
        times("write", 2),
        goes_on("read", before_the_end_of="unrelated"),
    ),
    case(40, ran("blood_test", "x_ray", "interview", "discharged"), apart("blood_test", "x_ray", "interview")),
    case(
        41,
        times("inspect", 4),
        together("inspect"),
        ran("seal"),
        in_order("inspect", "seal"),
        gives("seal", "sealed by 4"),
    ),
    case(
        42,
        times("write", 3),
        together("write"),
        times("mark", 3),
        in_order("exam", "write"),
        each_gives("mark", ["paper 1 marked", "paper 2 marked", "paper 3 marked"]),
    ),
    case(
        43,
        run_is("completed", "Found."),
        ran("look_here", "found"),
        ended("cancelled", "look_there"),
        never_ran("tell_somebody"),
    ),
)


# -- playing them ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def played(stage: Stage, request: pytest.FixtureRequest) -> Ahead:
    cases = {case.id: case for case in CASES}
    asked = [name for name in asked_for(request) if name in cases]
    return Ahead(asked, lambda name: stage.play(FILES[cases[name].number], cases[name].given))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
def test_the_pattern(case: Case, stage: Stage, played: Ahead) -> None:
    run = played.run(case.id)
    if case.script is not None:
        case.script(stage, run)
    execution = run.wait()
    seen = history_of(run)
    assert execution.status == case.ends, seen.told()
    for claim in case.claims:
        claim(seen)


# -- the page about them -----------------------------------------------------------------------------------------------
PAGE = PATTERNS.parents[1] / "docs" / "patterns.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+?) \| [^|]+ \| [^|]+ \| \[(\d\d)\]\((\S+)\) \|$", re.MULTILINE)


def test_the_page_tells_of_every_pattern_and_its_melody() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert sorted(int(number) for number, *_ in rows) == list(range(1, 44)) == sorted(FILES)
    for number, name, shown, link in rows:
        file = (PAGE.parent / link).resolve()
        assert file == FILES[int(number)]
        assert int(shown) == int(number)
        first = " ".join(line.removeprefix("# ") for line in file.read_text(encoding="utf-8").splitlines()[:2])
        assert first.startswith(f"Pattern {number}, {name.partition(' (')[0]}:"), first


def test_every_pattern_is_played() -> None:
    assert {case.number for case in CASES} == set(FILES)
    assert len({case.id for case in CASES}) == len(CASES)


def test_edges_in_a_circle_are_refused_with_the_names_of_the_steps() -> None:
    document = """\
workflow:
  name: circle
  steps:
    - {name: write, type: test_echo, depends_on: [sign], join: any}
    - {name: check, type: test_echo, depends_on: [write]}
    - {name: sign, type: test_echo, depends_on: [check]}
"""
    with pytest.raises(InvalidDocument) as refused:
        load(document, known_kinds())
    (problem,) = refused.value.problems
    for name in ("write", "check", "sign"):
        assert name in problem.message
    assert problem.line is not None
