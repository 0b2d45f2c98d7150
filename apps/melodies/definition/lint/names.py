"""Names and texts as editors want them."""

from __future__ import annotations

import re
from typing import Final

from apps.melodies.definition.pointers import child

from .look import Look

_STEP: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]*\Z")
_WORKFLOW: Final = re.compile(r"[a-zA-Z0-9_-]{1,100}\Z")
_SEMVER: Final = re.compile(r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?\Z")
_LONGEST_DESCRIPTION: Final = 500


def check(look: Look) -> None:
    name, version = look.workflow.get("name"), look.workflow.get("version")
    if isinstance(name, str) and name and not _WORKFLOW.match(name):
        message = (
            "Editors want a melody's name to be 1 to 100 letters, digits, _ and -; the title can go into `description`."
        )
        look.warn("workflow_name", message, child(look.pointer, "name"))
    if version is not None and not (isinstance(version, str) and _SEMVER.match(version)):
        message = 'A version is three numbers with dots, in quotes: "1.4.0".'
        look.warn("version_format", message, child(look.pointer, "version"))
    description = look.workflow.get("description")
    if isinstance(description, str) and len(description) > _LONGEST_DESCRIPTION:
        message = f"The description has {len(description)} characters; editors show {_LONGEST_DESCRIPTION}."
        look.warn("long_description", message, child(look.pointer, "description"))
    for written in look.steps:
        step = written.step.get("name")
        if isinstance(step, str) and step and not _STEP.match(step):
            message = f"`{step[:80]}` has to be written steps['…'] in expressions; a letter, then letters, digits, _ and - read easier."
            look.warn("step_name", message, child(written.pointer, "name"))
