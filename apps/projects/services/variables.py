"""The only writers of the variables of projects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from apps.accounts.documents import problems_of
from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.storable import text_is_sound
from apps.core.trail import leave_trace
from apps.projects.errors import VariableNotFound, VariablesInvalid
from apps.projects.models import VARIABLE_NAME, Project, ProjectVariable, Secret
from apps.projects.permissions import require_in_project

LONGEST_VARIABLE_NAME: Final = 100
LONGEST_DESCRIPTION: Final = 2_000
MOST_VARIABLES: Final = 200
LARGEST_TOGETHER: Final = 262_144
"""Bytes of all values of a project as JSON: each run begins with all of them."""

_Problem = dict[str, str]


@dataclass(frozen=True, slots=True)
class GivenVariable:
    """A variable as somebody wants it. Without a `description`, the one that is there stays."""

    name: str
    value: Any
    description: str | None = None


def set_variable(*, actor: User, project: Project, given: GivenVariable) -> tuple[ProjectVariable, bool]:
    """Store a value under a name, whatever was there before; the row, and whether it is new. `?name` is the name's place
    in problems: it stands in the address."""
    require_in_project(actor=actor, project=project, action=Action.WRITE)
    with transaction.atomic():
        _lock(project)
        others = project.variables.exclude(name=given.name)
        problems = list(_problems(given, "", name_at="?name"))
        if not problems:
            problems = [*_named_like_secrets(project, [given], ["?name"]), *_too_much(others, [given], "/value")]
        if problems:
            raise VariablesInvalid(problems[0]["message"], errors=problems)
        before = project.variables.filter(name=given.name).first()
        row = _stored(actor, project, given, before)
        leave_trace(
            "project.variable_set",
            actor=actor,
            organization=project.organization,
            target=project,
            after={"name": row.name},
        )
    return row, before is None


def replace_variables(*, actor: User, project: Project, given: Sequence[GivenVariable]) -> None:
    """Exactly these are the project's variables from now on: all of them, or (something is wrong) none."""
    require_in_project(actor=actor, project=project, action=Action.WRITE)
    with transaction.atomic():
        _lock(project)
        problems = _problems_of_all(project, given)
        if problems:
            raise VariablesInvalid(errors=problems)
        known = {row.name: row for row in project.variables.all()}
        for each in given:
            _stored(actor, project, each, known.pop(each.name, None))
        project.variables.filter(pk__in=[row.pk for row in known.values()]).delete()
        leave_trace(
            "project.variables_replaced",
            actor=actor,
            organization=project.organization,
            target=project,
            before={"removed": sorted(known)},
            after={"names": sorted(each.name for each in given)},
        )


def delete_variable(*, actor: User, project: Project, name: str) -> None:
    require_in_project(actor=actor, project=project, action=Action.WRITE)
    with transaction.atomic():
        known = re.fullmatch(VARIABLE_NAME, name, re.ASCII) is not None
        if not known or not project.variables.filter(name=name).delete()[0]:
            raise VariableNotFound(f"There is no variable {name[:LONGEST_VARIABLE_NAME]!r} in {project.name}.")
        leave_trace(
            "project.variable_deleted",
            actor=actor,
            organization=project.organization,
            target=project,
            before={"name": name},
        )


def _lock(project: Project) -> None:
    """What is counted stays so until this is done."""
    Project.objects.select_for_update(of=("self",)).get(pk=project.pk)


def _stored(actor: User, project: Project, given: GivenVariable, before: ProjectVariable | None) -> ProjectVariable:
    row = before or ProjectVariable(
        organization_id=project.organization_id, project=project, name=given.name, created_by=actor
    )
    if before is not None and (before.value, before.description) == (
        given.value,
        given.description or before.description,
    ):
        return row
    row.value = given.value
    row.description = row.description if given.description is None else given.description
    row.save()
    return row


def _problems_of_all(project: Project, given: Sequence[GivenVariable]) -> list[_Problem]:
    if len(given) > MOST_VARIABLES:
        return [_problem("/variables", "too_many", f"A project has at most {MOST_VARIABLES} variables.")]
    found: list[_Problem] = []
    seen: set[str] = set()
    for index, each in enumerate(given):
        pointer = f"/variables/{index}"
        found.extend(_problems(each, pointer, name_at=f"{pointer}/name"))
        if each.name in seen:
            found.append(_problem(f"{pointer}/name", "twice", f"The variable {each.name[:100]!r} is given twice."))
        seen.add(each.name)
    if found:
        return found
    places = [f"/variables/{index}/name" for index in range(len(given))]
    return [*_named_like_secrets(project, given, places), *_too_much((), given, "/variables")]


def _problems(given: GivenVariable, pointer: str, *, name_at: str) -> Iterable[_Problem]:
    if len(given.name) > LONGEST_VARIABLE_NAME or not re.fullmatch(VARIABLE_NAME, given.name, re.ASCII):
        yield _problem(
            name_at,
            "invalid_name",
            f"A variable is named with letters a-z, digits and _, a letter first, at most {LONGEST_VARIABLE_NAME} characters.",
        )
    description = given.description or ""
    if len(description) > LONGEST_DESCRIPTION or not text_is_sound(description):
        yield _problem(
            f"{pointer}/description", "invalid_description", f"At most {LONGEST_DESCRIPTION:,} characters, without NUL."
        )
    yield from problems_of({"value": given.value}, pointer)


def _named_like_secrets(project: Project, given: Sequence[GivenVariable], places: Sequence[str]) -> Iterable[_Problem]:
    """Everybody reads variables: a value that belongs into a secret shall not come to stand in one by a slip."""
    names = [each.name for each in given]
    secrets = Secret.objects.filter(Q(project=project) | Q(project=None), organization=project.organization_id)
    taken = set(secrets.filter(name__in=names).values_list("name", flat=True))
    for each, place in zip(given, places, strict=True):
        if each.name in taken:
            yield _problem(
                place, "is_a_secret", f"{each.name} is the name of a secret; everybody in the project reads variables."
            )


def _too_much(others: Iterable[ProjectVariable], given: Sequence[GivenVariable], pointer: str) -> Iterable[_Problem]:
    values = [*(row.value for row in others), *(each.value for each in given)]
    if len(values) > MOST_VARIABLES:
        yield _problem(pointer, "too_many", f"A project has at most {MOST_VARIABLES} variables.")
    elif sum(len(json.dumps(value)) for value in values) > LARGEST_TOGETHER:
        yield _problem(
            pointer, "too_large", f"All variables of a project together are at most {LARGEST_TOGETHER:,} bytes of JSON."
        )


def _problem(pointer: str, code: str, message: str) -> _Problem:
    return {"code": code, "message": message, "pointer": pointer}
