"""The modules of the client, as text: `models` and one for each tag, and `resources`, which has them all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

from clients.generate.reading import Body, Operation, Parameter, needed, operations, resolved
from clients.generate.types import annotation, class_name, identifier, literal

_HEAD: Final = '"""{about} Written by `python -m clients.generate`: change the generator, not this file."""\n\nfrom __future__ import annotations\n'
_KNOWN: Final = {"UUID": "from uuid import UUID", "Decimal": "from decimal import Decimal"}
_INDENT: Final = "    "


def modules(document: Mapping[str, Any]) -> dict[str, str]:
    """File name to text, before the formatter has been over it."""
    found = {"models.py": _models(document)}
    by_tag = sorted(operations(document), key=lambda each: each.tag)
    tags = []
    for tag, group in groupby(by_tag, key=lambda each: each.tag):
        tags.append(tag)
        found[f"{tag}.py"] = _resource(tag, list(group), set(needed(document)))
    found["__init__.py"] = _HEAD.format(about="What the server offers.")
    found["resources.py"] = _resources(tags)
    return found


def _models(document: Mapping[str, Any]) -> str:
    components = needed(document)
    body = "\n\n".join(_component(document, name, schema) for name, schema in components.items())
    rebuild = "\n".join(
        f"{name}.model_rebuild()" for name, schema in components.items() if _is_object(document, schema)
    )
    imports = _imports(
        body, ["from typing import Any, Literal, TypeAlias", "from pydantic import ConfigDict, Field, BaseModel"]
    )
    base = (
        "class Model(BaseModel):\n"
        f'{_INDENT}"""What a newer server says besides is kept as it came."""\n\n'
        f'{_INDENT}model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())\n'
    )
    return f"{_HEAD.format(about='What the server answers with.')}\n{imports}\n\n{base}\n\n{body}\n\n\n{rebuild}\n"


def _is_object(document: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    return "properties" in schema


def _component(document: Mapping[str, Any], name: str, schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"{name}: TypeAlias = {literal(schema['enum'])}\n"
    if not _is_object(document, schema):
        # Another component's name would have to stand before it.
        return f"{name}: TypeAlias = {'Any' if '$ref' in str(schema) else annotation(schema)}\n"
    required = schema.get("required", ())
    lines = [
        _field(inner, property_name, needed=property_name in required)
        for property_name, inner in schema["properties"].items()
        if not inner.get("writeOnly")
    ]
    return f"class {name}(Model):\n" + ("".join(lines) or f"{_INDENT}pass\n")


def _field(schema: Mapping[str, Any], name: str, *, needed: bool) -> str:
    kind, attribute = annotation(schema), identifier(name)
    if not needed and "None" not in kind.split(" | ") and kind != "Any":
        kind = f"{kind} | None"
    arguments = [] if needed else ["default=None"]
    arguments += [f'alias="{name}"'] if attribute != name else []
    default = f" = Field({', '.join(arguments)})" if attribute != name else "" if needed else " = None"
    return f"{_INDENT}{attribute}: {kind}{default}\n"


def _resource(tag: str, found: list[Operation], known: set[str]) -> str:
    name = _class_of(tag)
    body = "\n\n".join(
        f'class {prefix}{name}Resource(_base.{prefix}Resource):\n{_INDENT}"""{tag.replace("_", " ").capitalize()}."""\n\n'
        + "\n".join(_method(each, asynchronous=bool(prefix)) for each in found)
        for prefix in ("", "Async")
    )
    if any(each.name == "list" for each in found):
        # The method would be taken for the type.
        body = re.sub(r"\blist\[", "builtins.list[", body)
    imports = _imports(
        body,
        [
            "import builtins",
            "from typing import Any, Literal",
            "from symphony_client import _base",
            "from symphony_client._base import UNSET, Unset",
            "from symphony_client.following import AsyncFollowing, Following",
        ],
    )
    models = sorted(each for each in known if re.search(rf"\b{each}\b", body))
    listed = f"\nfrom symphony_client.api.models import {', '.join(models)}" if models else ""
    return f"{_HEAD.format(about=f'The operations of {tag}.')}\n{imports}{listed}\n\n\n{body}"


def _method(operation: Operation, *, asynchronous: bool) -> str:
    await_, async_ = ("await ", "async ") if asynchronous else ("", "")
    prefix = "Async" if asynchronous else ""
    call = ", ".join([f'"{operation.method.upper()}"', _path(operation), *_call(operation)])
    if operation.streams:
        # Following is written by hand, see `following`.
        return f'{_INDENT}def {operation.name}(self, {_ids(operation)}, *, last_event_id: str | None = None) -> {prefix}Following:\n{_INDENT * 2}"""{operation.summary}."""\n{_INDENT * 2}return self._follow({_path(operation)}, last_event_id)\n'
    if operation.item is not None:
        return (
            f"{_INDENT}def {operation.name}({_arguments(operation)}) -> _base.{prefix}Pages[{operation.item}]:\n"
            f'{_INDENT * 2}"""{operation.summary}: all of them, page by page."""\n'
            f"{_INDENT * 2}return self._pages({operation.item}, {call})\n"
        )
    kind = "object" if operation.result == "Any" else operation.result
    result = f"return {await_}self._ask({kind}, {call})"
    if operation.result == "None":
        result = f"{await_}self._tell({call})"
    elif operation.result == "bytes":
        result = f"return {await_}self._load({call})"
    return (
        f"{_INDENT}{async_}def {operation.name}({_arguments(operation)}) -> {operation.result}:\n"
        f'{_INDENT * 2}"""{operation.summary}."""\n'
        f"{_INDENT * 2}{result}\n"
    )


def _arguments(operation: Operation) -> str:
    named = [*_fields(operation.body), *_query(operation)]
    keyword_only = [f"{each.argument}: {each.type}" for each in named if each.required]
    if operation.body is not None and operation.body.is_whole:
        keyword_only.append("body: Any")
    keyword_only += [f"{each.argument}: {_optional(each.type)} = UNSET" for each in named if not each.required]
    if operation.body is not None and len(operation.body.media) > 1:
        keyword_only.append(f'content_type: str = "{_json_first(operation.body)}"')
    if operation.idempotent:
        keyword_only.append("idempotency_key: str | None = None")
    if operation.conditional:
        keyword_only.append("if_match: str | None = None")
    ids = _ids(operation)
    return ", ".join(["self", *([ids] if ids else []), *(["*", *keyword_only] if keyword_only else [])])


def _json_first(body: Body) -> str:
    return next((media for media in body.media if media == "application/json"), body.media[0])


def _optional(kind: str) -> str:
    return "Any" if kind == "Any" else f"{kind} | Unset"


def _ids(operation: Operation) -> str:
    return ", ".join(
        f"{each.argument}: {'UUID | str' if each.type == 'UUID' else each.type}" for each in operation.in_path
    )


def _fields(body: Body | None) -> list[Parameter]:
    return list(body.fields) if body is not None else []


def _query(operation: Operation) -> list[Parameter]:
    """What turns pages is the iterator's business; a name that the body has too is the body's."""
    taken = {each.argument for each in _fields(operation.body)}
    paging = {"cursor"} if operation.item is not None else set()
    return [each for each in operation.in_query if each.name not in paging and each.argument not in taken]


def _path(operation: Operation) -> str:
    pieces = re.split(r"(\{\w+\})", operation.path)
    if len(pieces) == 1:
        return f'"{operation.path}"'
    filled = "".join(f"{{_base.quoted({identifier(each[1:-1])})}}" if each.startswith("{") else each for each in pieces)
    return f'f"{filled}"'


def _call(operation: Operation) -> Iterable[str]:
    query = _query(operation)
    if query:
        yield "query={" + ", ".join(f'"{each.name}": {each.argument}' for each in query) + "}"
    if operation.body is not None and operation.body.is_whole:
        yield "content=body"
        if len(operation.body.media) > 1:
            yield "content_type=content_type"
    elif operation.body is not None:
        yield "json={" + ", ".join(f'"{each.name}": {each.argument}' for each in operation.body.fields) + "}"
    if operation.idempotent:
        yield "idempotency_key=idempotency_key or _base.new_key()"
    if operation.conditional:
        yield "if_match=if_match"


def _resources(tags: list[str]) -> str:
    imports = "\n".join(
        f"from symphony_client.api.{tag} import Async{_class_of(tag)}Resource, {_class_of(tag)}Resource" for tag in tags
    )
    made = "\n\n".join(
        f'class {prefix}Resources:\n{_INDENT}"""By tag of the schema."""\n\n'
        f"{_INDENT}def __init__(self, transport: {prefix}Transport) -> None:\n"
        + "\n".join(f"{_INDENT * 2}self.{tag} = {prefix}{_class_of(tag)}Resource(transport)" for tag in tags)
        for prefix in ("", "Async")
    )
    transport = "from symphony_client._transport import AsyncTransport, Transport"
    return f"{_HEAD.format(about='Everything the server offers.')}\n{transport}\n{imports}\n\n\n{made}\n"


def _class_of(tag: str) -> str:
    return "".join(class_name(word) for word in tag.strip("_").split("_"))


def _imports(body: str, always: list[str]) -> str:
    dates = [name for name in ("date", "datetime") if re.search(rf"\b{name}\b", body)]
    found = [f"from datetime import {', '.join(dates)}"] if dates else []
    found += [line for name, line in _KNOWN.items() if re.search(rf"\b{name}\b", body)]
    return "\n".join([*found, *always])


__all__ = ["modules", "resolved"]
