"""Typed readers of environment variables. Each fails loudly and names the variable it could not read."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"", "0", "false", "no", "off"})
STACK_FILE = "stack.env"
LOCK_FILE = "lock"
_KEY = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=")


class Env:
    """Reads from the environment first, then from the running stack's own file."""

    def __init__(self, environ: Mapping[str, str], fallback: Mapping[str, str] | None = None) -> None:
        self._environ = environ
        self._fallback = fallback or {}

    def raw(self, name: str) -> str | None:
        """The text as it stands; an empty variable counts as absent."""
        return self._environ.get(name) or self._fallback.get(name) or None

    def text(self, name: str, default: str | None = None) -> str:
        value = self.raw(name)
        if value is not None:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set.")
        return default

    def integer(self, name: str, default: int) -> int:
        value = self.raw(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None

    def number(self, name: str, default: float) -> float:
        value = self.raw(name)
        if value is None:
            return default
        try:
            return float(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.") from None

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.raw(name)
        if value is None:
            return default
        if value.strip().lower() in TRUE:
            return True
        if value.strip().lower() in FALSE:
            return False
        raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self.raw(name) or default
        if value not in choices:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def items(self, name: str, default: tuple[str, ...] = (), separator: str = ",") -> list[str]:
        value = self.raw(name)
        if value is None:
            return list(default)
        return [part.strip() for part in value.split(separator) if part.strip()]

    def secret(self, name: str) -> str | None:
        """The variable itself, or the content of the file that `<name>_FILE` names."""
        value = self.raw(name)
        path = self.raw(f"{name}_FILE")
        if value is not None and path is not None:
            raise ImproperlyConfigured(f"Set either {name} or {name}_FILE, not both.")
        if path is None:
            return value
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error}.") from None
        if not content:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which is empty.")
        return content

    def keys(self, name: str) -> list[str]:
        """A secret that is a list: 32 random bytes each in URL-safe base64, its padding optional and added here."""
        keys = [key + "=" * (-len(key) % 4) for key in re.split(r"[,\s]+", self.secret(name) or "") if key]
        for number, key in enumerate(keys, start=1):
            if not _KEY.fullmatch(key):
                # Not the key itself: this text goes to logs.
                raise ImproperlyConfigured(
                    f"Key {number} of {name} is not 32 bytes in URL-safe base64; `manage.py secrets key` makes one."
                )
        return keys


def running_stack(home: Path) -> dict[str, str]:
    """The variables `up` left in its home, or nothing when no `up` is running there."""
    try:
        with (home / LOCK_FILE).open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return read_env_file(home / STACK_FILE)
            return {}
    except OSError:
        return {}


def read_env_file(path: Path) -> dict[str, str]:
    """Lines of `NAME=value`; empty lines and comments are passed over."""
    variables = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.lstrip().startswith("#"):
            variables[name.strip()] = value.strip()
    return variables


def environment(base_dir: Path) -> tuple[Env, Path]:
    """The environment of this process and the home folder of its state.

    The running stack is asked only when the environment names no database: an explicit one never mixes with it.
    """
    home = Path(os.environ.get("SYMPHONY_HOME") or base_dir / ".symphony").expanduser().absolute()
    named = any(os.environ.get(name) for name in ("DATABASE_URL", "WEB_DATABASE_URL", "WORKER_DATABASE_URL"))
    return Env(os.environ, {} if named else running_stack(home)), home
