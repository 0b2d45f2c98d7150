"""The only writers of templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction

from apps.accounts.documents import problems_of
from apps.accounts.errors import invalid
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.core.errors import Forbidden, Invalid
from apps.core.trail import leave_trace
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.rows_text import as_yaml
from apps.melodies.errors import MelodyInvalid, TemplateNameTaken, TemplateValuesInvalid
from apps.melodies.models import CreationSource, MelodyTemplate, MelodyVersion
from apps.melodies.permissions import require_for
from apps.melodies.services.documents import Media, check_document, create_melody
from apps.melodies.template_values import fill, problems_of_specs, specs_of
from apps.projects.models import Project


@dataclass(frozen=True, slots=True)
class Written:
    """A document as somebody has sent it; `pointer` is where."""

    source: str
    media: Media
    pointer: str


@dataclass(frozen=True, slots=True)
class Instance:
    """A melody made from a template, and what its first run can be given."""

    version: MelodyVersion
    inputs: dict[str, Any]


def create_template(
    *,
    actor: User,
    organization: Organization,
    name: str,
    written: Written | MelodyVersion,
    description: str | None = None,
    category: str = "",
    icon: str = "",
    default_values: Mapping[str, Any] | None = None,
) -> MelodyTemplate:
    """From a document, or from a version of a melody: of which everybody in the organization sees then what it says, so that
    it takes somebody who may write it. Without `default_values` they are what the document has variables and inputs for."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    if isinstance(written, MelodyVersion):
        require_for(actor=actor, melody=written.melody, action=Action.WRITE)
    document = _document(written)
    template = MelodyTemplate(
        organization=organization,
        name=_checked_name(name),
        description=str(document["workflow"].get("description") or "") if description is None else description,
        category=category.strip(),
        icon=icon.strip(),
        document=document,
        default_values=specs_of(document) if default_values is None else _checked_values(default_values),
        created_by=actor,
    )
    with transaction.atomic():
        _save(template)
        leave_trace("template.created", actor=actor, organization=organization, target=template)
    return template


def update_template(
    *,
    actor: User,
    template: MelodyTemplate,
    written: Written | MelodyVersion | None = None,
    default_values: Mapping[str, Any] | None = None,
    **texts: str,
) -> MelodyTemplate:
    """What is not given stays as it is. `texts`: name, description, category, icon."""
    organization = _own(actor, template)
    before = {name: getattr(template, name) for name in texts}
    for name, text in texts.items():
        setattr(template, name, _checked_name(text) if name == "name" else text.strip())
    if written is not None:
        if isinstance(written, MelodyVersion):
            require_for(actor=actor, melody=written.melody, action=Action.WRITE)
        template.document = _document(written)
    if default_values is not None:
        template.default_values = _checked_values(default_values)
    with transaction.atomic():
        _save(template)
        leave_trace(
            "template.changed", actor=actor, organization=organization, target=template, before=before,
            after={name: getattr(template, name) for name in texts} | {"document": written is not None},
        )  # fmt: skip
    return template


def delete_template(*, actor: User, template: MelodyTemplate) -> None:
    """Melodies made from it stay."""
    organization = _own(actor, template)
    with transaction.atomic():
        leave_trace("template.deleted", actor=actor, organization=organization, target=template)
        template.delete()


def instantiate(
    *,
    actor: User,
    template: MelodyTemplate,
    organization: Organization,
    name: str | None = None,
    project: Project | None = None,
    path: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Instance:
    """A new melody from a template. `values` are those of `default_values`, checked against it: `{"variables", "inputs"}`."""
    given = values or {}
    problems = problems_of(given, "")
    filled = fill(template.default_values, template.document, given if not problems else {})
    problems = problems or filled.problems
    if problems:
        raise TemplateValuesInvalid(
            errors=[{**problem, "pointer": f"/values{problem['pointer']}"} for problem in problems]
        )
    workflow = dict(template.document["workflow"])
    workflow["name"] = name or workflow["name"]
    if filled.variables:
        workflow["variables"] = {**(workflow.get("variables") or {}), **filled.variables}
    source = as_yaml({**template.document, "workflow": workflow}, known_kinds())
    with transaction.atomic():
        version = create_melody(
            actor=actor,
            organization=organization,
            source=source,
            media="yaml",
            path=path,
            project=project,
            creation_source=CreationSource.TEMPLATE,
        )
        _count_use(template)
        leave_trace(
            "template.used", actor=actor, organization=organization, target=template,
            after={"melody": str(version.melody_id)},
        )  # fmt: skip
    return Instance(version, filled.inputs)


def load_builtin(*, source: str, media: Media, description: str, category: str) -> tuple[MelodyTemplate, bool]:
    """Put a template that comes with the product in its place, by its name; call it as staff, as the owner of the tables.
    Its uses stay counted. The row, and whether it is new."""
    document = check_document(source, media).document
    fields = {
        "description": description or str(document["workflow"].get("description") or ""),
        "category": category,
        "document": document,
        "default_values": specs_of(document),
    }
    name = str(document["workflow"]["name"])[:200]
    return MelodyTemplate.objects.update_or_create(organization=None, name=name, defaults=fields)


def _own(actor: User, template: MelodyTemplate) -> Organization:
    if template.organization is None:
        raise Forbidden("This template came with the product; create one of your own to change it.")
    require(actor=actor, organization=template.organization, action=Action.WRITE)
    return template.organization


def _count_use(template: MelodyTemplate) -> None:
    """In the database, which counts right however many use it at once, and lets nobody write a template for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_count_template_use(%s)", [template.pk])


def _document(written: Written | MelodyVersion) -> dict[str, Any]:
    if isinstance(written, MelodyVersion):
        return dict(written.document)
    try:
        return dict(check_document(written.source, written.media).document)
    except MelodyInvalid as error:
        # Of a text the problems name line and column, of an object where in the request it stands.
        place = written.pointer if written.media == "json" else ""
        errors = [{**problem, "pointer": f"{place}{problem['pointer']}"} for problem in error.errors]
        raise MelodyInvalid(error.detail, errors=errors) from error


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise invalid("/name", "required", "A template needs a name.")
    return name


def _checked_values(specs: Mapping[str, Any]) -> dict[str, Any]:
    problems = problems_of(specs, "") or problems_of_specs(specs)
    if problems:
        raise Invalid(
            "These default values cannot be kept.",
            errors=[{**problem, "pointer": f"/default_values{problem['pointer']}"} for problem in problems],
        )
    return json.loads(json.dumps(specs))  # type: ignore[no-any-return]  # an object, as was just checked


def _save(template: MelodyTemplate) -> None:
    try:
        with transaction.atomic():
            template.save()
    except IntegrityError as error:
        if "template_name" in str(error):
            raise TemplateNameTaken(f"There is a template {template.name!r} here already.") from error
        raise
