"""What is done again of a run that has ended: laws, whatever its plan was and however it went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.executions.past import NodeFacts, Past, TaskFacts
from apps.executions.redo import CannotBegin, How, Redo, Rules, decide
from tests.unit.pasts import DONE, PLAN, RUN, SUCCESS, Step, edges_of, looped, plans, played

FAILED = Rules()
DOWNSTREAM = Rules(strong=True)
RETRY = Rules(retry=True)
OUTCOMES = st.lists(st.sampled_from(("completed", "failed", "cancelled")), min_size=1, max_size=6)


def again(redo: Redo) -> set[int]:
    return {task.seq for task in redo.again}


def touched(redo: Redo) -> set[int]:
    """All whose result is not simply there."""
    return {seq for seq, how in redo.how.items() if how != How.KEEP}


def downstream_of(steps: list[Step], number: int) -> set[int]:
    edges, found, waiting = edges_of(steps), {number}, [number]
    while waiting:
        for target, _ in edges[waiting.pop()]:
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def rules_for(past: Past) -> list[Rules]:
    return [FAILED, DOWNSTREAM, RETRY, *(Rules(seq=seq) for seq in past.tasks)]


@given(plans())
def test_what_is_kept_depends_on_nothing_that_is_done_again(steps: list[Step]) -> None:
    past = played(steps)
    for rules in rules_for(past):
        redo = decide(past, rules)
        for number, step in enumerate(steps):
            # A retry keeps what completed, also behind a step that is done again.
            if redo.how[number] == How.KEEP and not rules.retry:
                assert {redo.how[before] for before, _ in step.needs} <= {How.KEEP}, (rules, number)


@given(plans())
def test_each_mode_does_again_what_the_smaller_one_does(steps: list[Step]) -> None:
    past = played(steps)
    failed = decide(past, FAILED)
    for rules in (DOWNSTREAM, *(Rules(seq=seq) for seq in past.tasks)):
        more = decide(past, rules)
        assert again(failed) <= again(more)
        assert touched(failed) <= touched(more)


@given(plans())
def test_from_here_takes_the_step_with_all_that_follows(steps: list[Step]) -> None:
    past = played(steps)
    for seq in past.tasks:
        assert again(decide(past, Rules(seq=seq))) == again(decide(past, FAILED)) | downstream_of(steps, seq)


@given(plans())
def test_downstream_is_what_failed_with_all_that_follows(steps: list[Step]) -> None:
    past = played(steps)
    missed = {task.seq for task in past.tasks.values() if task.status == "failed"}
    assert again(decide(past, DOWNSTREAM)) == set().union(*(downstream_of(steps, seq) for seq in missed))


@given(plans())
def test_only_what_completed_is_kept_for_later_and_a_retry_keeps_nothing_for_later(steps: list[Step]) -> None:
    past = played(steps)
    for rules in rules_for(past):
        later = {seq for seq, how in decide(past, rules).how.items() if how == How.LATER}
        assert {past.tasks[seq].status for seq in later} <= {"completed"}
        assert not (later and (rules.retry or rules.strong))


@given(plans())
def test_a_retry_does_again_what_the_run_is_the_poorer_for(steps: list[Step]) -> None:
    past = played(steps)
    redo = decide(past, RETRY)
    for task in past.tasks.values():
        if task.status == "failed" and not steps[task.seq].tolerates:
            assert redo.how[task.seq] == How.FRESH
    if past.status == "completed":
        assert not redo.again


@given(plans())
def test_one_digit_for_each_task(steps: list[Step]) -> None:
    redo = decide(played(steps), FAILED)
    assert [How(int(digit)) for digit in redo.digits()] == [redo.how[seq] for seq in range(len(steps))]


@pytest.mark.parametrize(("other", "done_again"), [("skipped", True), ("completed", False)])
def test_what_ran_beside_a_failure_is_kept_where_something_it_needed_completed(other: str, *, done_again: bool) -> None:
    """Step 2 joins two, and begins with any of them unless all are skipped: beside a skipped one the failure decided."""
    nodes = {
        0: NodeFacts("test_echo", ((2, SUCCESS),), False, False, False),
        1: NodeFacts("test_echo", ((2, SUCCESS),), False, False, False),
        2: NodeFacts("test_echo", (), False, False, False),
    }
    tasks = {
        seq: TaskFacts(seq, seq, PLAN, None, None, f"s{seq}", "test_echo", status, None, True)
        for seq, status in enumerate(("failed", other, "completed"))
    }
    past = Past(RUN, "failed", tasks, [], {}, {PLAN: nodes})
    assert (2 in touched(decide(past, Rules(retry=True)))) == done_again
    assert (2 in touched(decide(past, Rules()))) == done_again


def test_completed_steps_behind_a_failure_wait_for_their_turn_or_run_again_because_of_it() -> None:
    steps = [Step(fails=True, tolerates=True), Step(((0, SUCCESS),)), Step(((0, DONE),)), Step()]
    past = played(steps)
    assert [task.status for task in past.tasks.values()] == ["failed", "completed", "completed", "completed"]
    assert decide(past, FAILED).digits() == f"{How.FRESH:d}{How.LATER:d}{How.FRESH:d}{How.KEEP:d}"
    assert decide(past, RETRY).digits() == f"{How.KEEP:d}" * 4


# -- loops -------------------------------------------------------------------------------------------------------------
@given(OUTCOMES, st.integers(1, 3))
def test_a_loop_goes_on_with_the_iterations_that_did_not_complete(outcomes: list[str], at_once: int) -> None:
    past = looped(outcomes, at_once)
    redo = decide(past, FAILED)
    left = [number for number, outcome in enumerate(outcomes) if outcome != "completed"]
    assert again(redo) >= {3 + 2 * number for number in left}
    assert {2 + 2 * number for number in range(len(outcomes))} & again(redo) == set()
    if not left:
        assert not redo.again
        return
    assert redo.how[0] == How.REOPEN
    (move,) = redo.expansions
    states = {past.frames[place].number: frame.status for place, frame in enumerate(redo.frames)}
    running = [number for number, status in states.items() if status == "running"]
    pending = [number for number, status in states.items() if status == "pending"]
    assert sorted(running + pending) == left
    assert running == left[:at_once]
    assert (move.total, move.remaining, move.reopened) == (len(outcomes), len(left), bool(pending))
    assert move.next == min(pending, default=len(outcomes))


@given(st.integers(1, 6), st.integers(1, 3), st.data())
def test_from_an_iteration_takes_the_later_ones_only_where_they_follow(
    count: int, at_once: int, data: st.DataObject
) -> None:
    past = looped(["completed"] * count, at_once)
    index = data.draw(st.integers(0, count - 1))
    redo = decide(past, Rules(seq=0, index=index))
    begun = range(index, count) if at_once == 1 else [index]
    assert again(redo) == {0, 1} | {2 + 2 * number + place for number in begun for place in (0, 1)}


@given(st.integers(1, 6), st.data())
def test_from_the_loop_itself_drops_all_its_iterations(count: int, data: st.DataObject) -> None:
    past = looped(["completed"] * count, data.draw(st.integers(1, 3)))
    redo = decide(past, Rules(seq=0))
    assert again(redo) == {0, 1}
    assert {how for seq, how in redo.how.items() if seq > 1} == {How.DROP}
    assert (list(redo.frames), list(redo.expansions)) == ([], [])


def test_nobody_begins_from_what_is_not_there() -> None:
    past = looped(["completed"], 1)
    for rules in (Rules(seq=99), Rules(seq=0, index=1), Rules(seq=1, index=0)):
        with pytest.raises(CannotBegin):
            decide(past, rules)
