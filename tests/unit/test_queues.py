from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from symphony.queues import FurtherQueue, capabilities, further_queues


def test_further_queues() -> None:
    assert further_queues(["reports", "a.b-1:prefork:2", "slow:threads:50"]) == (
        FurtherQueue("reports"),
        FurtherQueue("a.b-1", "prefork", 2),
        FurtherQueue("slow", "threads", 50),
    )


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("steps", "there is a queue 'steps' already"),
        ("Reports", "not a plain name"),
        ("a+b", "not a plain name"),
        ("a:gevent:2", "name:prefork:slots"),
        ("a:threads", "name:prefork:slots"),
        ("a:threads:0", "name:prefork:slots"),
        ("a:threads:²", "name:prefork:slots"),
        ("a:threads:2:3", "name:prefork:slots"),
    ],
)
def test_what_cannot_be_a_queue_is_refused_by_name(written: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SYMPHONY_QUEUES") as refusal:
        further_queues([written])
    assert words in str(refusal.value)


def test_a_queue_is_named_once() -> None:
    with pytest.raises(ImproperlyConfigured, match="already"):
        further_queues(["a", "a:prefork:1"])


def test_capabilities_are_sorted_and_plain() -> None:
    assert capabilities("X", ["gpu", "eu", "gpu"]) == ("eu", "gpu")
    with pytest.raises(ImproperlyConfigured, match="X: 'G P U'"):
        capabilities("X", ["G P U"])
