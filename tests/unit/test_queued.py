"""What waits in a process for one of its own slots: never dropped without being claimed, and given to one slot at a time."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, precondition, rule

from apps.executions.ledger import HandOver, Release
from workers import queued as module
from workers.queued import Queued

ORGANIZATION = "00000000-0000-0000-0000-00000000000a"


def task(number: int, run: int = 1) -> str:
    return f"00000000-0000-0000-0000-{run:04x}{number:08x}"


def release(task_id: str, rank: float) -> Release:
    return Release(UUID(task_id), UUID(ORGANIZATION), "step", "simulate", "calls", False, rank, 0, 0, None)


def test_of_the_run_that_waits_longest_the_highest_rank_goes_first() -> None:
    waiting = Queued()
    waiting.arrived(ORGANIZATION, task(1, run=1), 1.0)
    waiting.arrived(ORGANIZATION, task(1, run=2), 9.0)
    waiting.offer(release(task(2, run=1), 5.0))
    assert waiting.choose(oldest=False) == (ORGANIZATION, task(2, run=1))
    assert waiting.choose(oldest=False) == (ORGANIZATION, task(1, run=1)), "the other is taken"
    assert waiting.choose(oldest=False) == (ORGANIZATION, task(1, run=2))
    assert waiting.choose(oldest=False) is None


def test_who_yields_takes_what_is_oldest() -> None:
    waiting = Queued()
    waiting.arrived(ORGANIZATION, task(1), 1.0)
    waiting.arrived(ORGANIZATION, task(2), 2.0)
    assert waiting.choose(oldest=True) == (ORGANIZATION, task(1))


def test_the_message_of_a_claimed_task_is_dropped_once() -> None:
    waiting = Queued()
    waiting.arrived(ORGANIZATION, task(1), 0.0)
    waiting.choose(oldest=True)
    waiting.claimed(task(1))
    assert not waiting.begun(task(1))
    assert waiting.begun(task(1)), "another message of the same task is another matter"


def test_a_message_whose_task_somebody_is_asking_for_is_not_dropped() -> None:
    waiting = Queued()
    waiting.arrived(ORGANIZATION, task(1), 0.0)
    waiting.choose(oldest=True)
    assert waiting.begun(task(1)), "that slot may not get it"
    waiting.put_back(task(1))
    assert waiting.is_empty()


def handed(*tasks: str) -> HandOver:
    return HandOver(taken=[{"task": each} for each in tasks], released=[], stale=[])


def test_what_a_slot_did_not_get_waits_on_until_somebody_asks_for_good() -> None:
    waiting = Queued()
    waiting.offer(release(task(1), 0.0))
    for other in ((), (task(2),)):
        assert waiting.choose(oldest=True) == (ORGANIZATION, task(1))
        assert not waiting.learn(task(1), handed(*other), final=False)
    assert waiting.choose(oldest=True) == (ORGANIZATION, task(1))
    assert not waiting.learn(task(1), handed(), final=True)
    assert waiting.choose(oldest=True) is None


def test_what_a_slot_got_is_nobody_elses() -> None:
    waiting = Queued()
    waiting.offer(release(task(1), 0.0))
    waiting.choose(oldest=True)
    assert waiting.learn(task(1), handed(task(1)), final=False)
    assert waiting.choose(oldest=True) is None


def test_what_was_claimed_here_need_not_be_sent() -> None:
    waiting = Queued()
    waiting.offer(release(task(1), 0.0))
    assert not waiting.withdraw(task(1)), "nobody has it"
    waiting.choose(oldest=True)
    assert not waiting.withdraw(task(1)), "nobody has it for certain"
    waiting.claimed(task(1))
    assert waiting.withdraw(task(1))
    assert waiting.begun(task(1)), "and is forgotten here"


def test_a_task_that_is_released_again_is_not_taken_for_what_it_was() -> None:
    waiting = Queued()
    waiting.offer(release(task(1), 0.0))
    waiting.choose(oldest=True)
    waiting.claimed(task(1))
    waiting.arrived(ORGANIZATION, task(1), 0.0)
    assert not waiting.is_empty()
    assert waiting.begun(task(1))


def test_dead_messages_are_counted_until_a_slot_drops_them() -> None:
    waiting = Queued()
    for number in (1, 2):
        waiting.arrived(ORGANIZATION, task(number), 0.0)
    waiting.choose(oldest=True)
    assert waiting.dead() == 0
    waiting.claimed(task(1))
    assert waiting.dead() == 1
    waiting.begun(task(1))
    assert waiting.dead() == 0


def test_what_is_offered_and_has_no_message_here_is_known() -> None:
    waiting = Queued()
    for number in (1, 2, 3):
        waiting.offer(release(task(number), float(number)))
    waiting.arrived(ORGANIZATION, task(4), 0.0)
    waiting.arrived(ORGANIZATION, task(2), 2.0)
    waiting.choose(oldest=True)
    assert waiting.offered() == [release(task(3), 3.0)]
    waiting.put_back(task(1))
    assert waiting.offered() == [release(task(1), 1.0), release(task(3), 3.0)]


def test_what_has_gone_elsewhere_is_forgotten() -> None:
    waiting = Queued()
    waiting.offer(release(task(1), 0.0))
    next(iter(waiting._tasks.values())).since -= module._FORGET_SECONDS + 1
    waiting.offer(release(task(2), 0.0))
    assert waiting.choose(oldest=True) == (ORGANIZATION, task(2))
    assert waiting.choose(oldest=True) is None


class Life(RuleBasedStateMachine):
    """Messages lie in this process, slots ask, claim and are sent away: a message is dropped only if a slot of this process has
    claimed its task since it was released, or another message of it is to come."""

    asking = Bundle("asking")

    def __init__(self) -> None:
        super().__init__()
        self.waiting = Queued()
        self.messages: list[str] = []
        self.claimed: set[str] = set()

    @rule(number=st.integers(0, 3), here=st.booleans())
    def released(self, number: int, here: bool) -> None:  # noqa: FBT001
        """By a slot of this process or another, after whatever became of it before; its message comes here."""
        name = task(number)
        if here:
            self.waiting.offer(release(name, float(number)))
            assert not self.waiting.withdraw(name)
        self.claimed.discard(name)
        self.waiting.arrived(ORGANIZATION, name, float(number))
        self.messages.append(name)

    @rule(target=asking, oldest=st.booleans())
    def asks(self, oldest: bool) -> object:  # noqa: FBT001
        chosen = self.waiting.choose(oldest=oldest)
        return multiple() if chosen is None else chosen[1]

    @rule(name=consumes(asking), answer=st.sampled_from(("claimed", "put_back")))
    def hears(self, name: str, answer: str) -> None:
        """One that was claimed is not claimed again."""
        if answer == "claimed" and name in self.claimed:
            answer = "put_back"
        getattr(self.waiting, answer)(name)
        if answer == "claimed":
            self.claimed.add(name)

    @precondition(lambda self: self.messages)
    @rule()
    def comes_to_the_next(self) -> None:
        name = self.messages.pop(0)
        if self.waiting.begun(name):
            self.claimed.add(name)
        else:
            assert name in self.claimed or name in self.messages


TestLife = Life.TestCase
