from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from symphony.embedded.home import Home
from symphony.env import Env, running_stack
from symphony.errors import StackError


def test_readers_read() -> None:
    env = Env({"A": "text", "B": "7", "C": "0.5", "D": "Yes", "E": "x, y,,", "F": ""}, {"F": "the stack's"})
    assert (env.text("A"), env.integer("B", 1), env.number("C", 1.0)) == ("text", 7, 0.5)
    assert env.flag("D", default=False)
    assert env.items("E") == ["x", "y"]
    assert env.text("F") == "the stack's"
    assert (env.text("G", "default"), env.integer("G", 3), env.items("G", ("z",))) == ("default", 3, ["z"])
    assert env.choice("A", ("text", "other"), "other") == "text"


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda env: env.text("MISSING"), "MISSING is not set."),
        (lambda env: env.integer("BAD", 1), "BAD must be a whole number, not 'x'."),
        (lambda env: env.number("BAD", 1.0), "BAD must be a number, not 'x'."),
        (lambda env: env.flag("BAD", default=True), "BAD must be yes or no, not 'x'."),
        (lambda env: env.choice("BAD", ("a", "b"), "a"), "BAD must be one of a, b, not 'x'."),
        (lambda env: env.secret("BOTH"), "Set either BOTH or BOTH_FILE, not both."),
    ],
)
def test_readers_name_the_variable(read: Callable[[Env], object], said: str) -> None:
    env = Env({"BAD": "x", "BOTH": "x", "BOTH_FILE": "/nowhere"})
    with pytest.raises(ImproperlyConfigured) as caught:
        read(env)
    assert str(caught.value) == said


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    (tmp_path / "empty").write_text("\n")
    assert Env({"KEY_FILE": str(tmp_path / "key")}).secret("KEY") == "hush"
    assert Env({"KEY": "hush"}).secret("KEY") == "hush"
    assert Env({}).secret("KEY") is None
    for name in ("empty", "missing"):
        with pytest.raises(ImproperlyConfigured, match=f"KEY_FILE names .*{name}"):
            Env({"KEY_FILE": str(tmp_path / name)}).secret("KEY")


def test_a_stack_is_found_only_while_it_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.locked():
        home.publish({"DATABASE_URL": "postgresql://there"})
        assert running_stack(tmp_path) == {"DATABASE_URL": "postgresql://there"}
    # Killed: the file is there still, the lock is not.
    assert (tmp_path / "stack.env").exists()
    assert running_stack(tmp_path) == {}
    with home.locked():
        assert running_stack(tmp_path) == {}


def test_a_home_remembers(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.secret("one") == Home(tmp_path).secret("one") != home.secret("two")
    assert len(home.secret("long", 48)) == 64
    assert home.port("postgres") == Home(tmp_path).port("postgres")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["{", "[]", "\x00"])
def test_a_damaged_home_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(StackError, match=r"secrets\.json .*restore it, or move .* away\."):
        Home(tmp_path).secret("one")


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"cannot be written .* SYMPHONY_HOME"):
        Home(tmp_path / "file" / "home")
