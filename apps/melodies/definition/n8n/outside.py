"""Nodes that ask somebody outside: addresses and models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apps.melodies.definition.n8n.model import Node, UntranslatableError
from apps.melodies.definition.n8n.texts import is_script, json_value, literal, text
from apps.melodies.definition.n8n.translating import Fields, Place

_METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
LONGEST_TIMEOUT: Final = 3600.0


def called(place: Place) -> Fields:
    """`httpRequest`."""
    parameters = place.node.parameters
    method = str(parameters.get("method") or parameters.get("requestMethod") or "GET").upper()
    if method not in _METHODS:
        raise UntranslatableError(f"the method {method[:20]!r}")
    url = text(parameters.get("url"), place.data)
    if not url:
        raise UntranslatableError("a call without an address")
    fields: Fields = {"type": "http", "url": url, "method": method}
    if query := _pairs(place, "queryParameters", "sendQuery"):
        fields["query"] = query
    if headers := _pairs(place, "headerParameters", "sendHeaders"):
        fields["headers"] = headers
    if method not in ("GET", "HEAD"):
        fields |= _body(place)
    if parameters.get("authentication", "none") not in ("none", ""):
        place.warn("credentials_left_behind", "Credentials do not come along: store a secret and name it in `auth`.")
    timeout = place.option("timeout")
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and 0 < timeout / 1000 <= LONGEST_TIMEOUT:
        fields["timeout_seconds"] = timeout / 1000
    return fields


def _pairs(place: Place, name: str, switch: str) -> dict[str, Any]:
    """Names and values, of today's form and of the one before."""
    parameters = place.node.parameters
    if parameters.get(switch, True) is False:
        return {}
    written = parameters.get(name) or parameters.get(f"{name}Ui")
    items = (written.get("parameters") or written.get("parameter")) if isinstance(written, Mapping) else None
    found = {}
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping) and item.get("name"):
            key = item["name"]
            if not isinstance(key, str) or is_script(key):
                raise UntranslatableError("a name that is computed")
            found[key] = text(item.get("value"), place.data)
    return found


def _body(place: Place) -> Fields:
    parameters = place.node.parameters
    if parameters.get("sendBody", True) is False:
        return {}
    kind = parameters.get("contentType") or parameters.get("bodyContentType") or "json"
    if kind == "raw":
        fields: Fields = {"body": text(parameters.get("body", ""), place.data)}
        media = parameters.get("rawContentType")
        return fields | ({"headers": {"Content-Type": text(media, place.data)}} if media else {})
    if kind in ("form-urlencoded", "multipart-form-data"):
        if kind == "multipart-form-data":
            raise UntranslatableError("a body of several parts")
        return {"form": _pairs(place, "bodyParameters", "sendBody")}
    if kind != "json":
        raise UntranslatableError(f"a body of kind {str(kind)[:40]!r}")
    for name in ("jsonBody", "bodyParametersJson"):
        if name in parameters and parameters.get("specifyBody", "json") == "json":
            return {"json": json_value(parameters[name], place.data)}
    pairs = _pairs(place, "bodyParameters", "sendBody")
    return {"json": pairs} if pairs else {}


def asked(place: Place) -> Fields:
    """Nodes that ask a model: a chain or an agent with its model beside it, or a provider's own node."""
    prompt = _prompt(place)
    system = _system(place)
    model = next(iter(place.models), place.node)
    name = _model_name(model)
    if "gemini" in model.kind.lower() or "googlevertex" in model.kind.lower():
        whole = f"{system}\n\n{prompt}" if system else prompt
        return {"type": "gemini", "prompt": whole, **({"model": name} if name.startswith("gemini") else {})}
    if "anthropic" not in model.kind.lower():
        place.warn("other_provider", f"{model.kind} is asked by Claude here; look at model and prompt.")
    options: Fields = {
        **({"model": name} if name.startswith("claude") else {}),
        **({"system_prompt": system} if system else {}),
    }
    return {"type": "claude", "prompt": prompt, **({"claude_options": options} if options else {})}


def _prompt(place: Place) -> str:
    parameters = place.node.parameters
    for name in ("text", "prompt", "inputText"):
        if isinstance(parameters.get(name), str) and parameters[name].strip("= "):
            return text(parameters[name], place.data)
    said = [content for role, content in _messages(parameters) if role not in ("system", "assistant")]
    if said:
        return "\n\n".join(text(content, place.data) for content in said)
    if not place.inputs:
        raise UntranslatableError("a question without words")
    # What chat triggers and chains call it where nothing is said.
    return f"{{{{coalesce({place.given}.chatInput, {place.given}.text, to_json({place.given}))}}}}"


def _system(place: Place) -> str:
    said = [content for role, content in _messages(place.node.parameters) if role == "system"]
    message = place.option("systemMessage")
    if isinstance(message, str):
        said.append(message)
    return "\n\n".join(text(content, place.data) for content in said)


def _messages(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name in ("messages", "prompt"):
        written = parameters.get(name)
        if isinstance(written, Mapping):
            items = written.get("values") or written.get("messages") or written.get("messageValues")
            for item in items if isinstance(items, list) else ():
                content = (item.get("content") or item.get("message")) if isinstance(item, Mapping) else None
                if isinstance(content, str) and content.strip():
                    role = str(item.get("role") or item.get("type") or "user").lower()
                    found.append(
                        (
                            "system"
                            if "system" in role
                            else "assistant"
                            if role in ("assistant", "model", "ai")
                            else "user",
                            content,
                        )
                    )
    return found


def _model_name(node: Node) -> str:
    for key in ("model", "modelId", "modelName"):
        value = node.parameters.get(key)
        if isinstance(value, Mapping):
            value = value.get("value")
        if isinstance(value, str) and value and not is_script(value):
            return literal(value.removeprefix("models/"))[:200]
    return ""


def transformed(place: Place) -> Fields:
    """Nodes about lists: sort, limit, split, remove what is there twice."""
    parameters = place.node.parameters
    kind = place.node.kind
    operation = str(parameters.get("operation", "")) if kind == "itemLists" else kind
    if operation in ("splitOut", "splitOutItems"):
        name = parameters.get("fieldToSplitOut")
        if not isinstance(name, str) or not name or is_script(name):
            raise UntranslatableError("a list whose name is computed")
        place.warn("one_list", "What comes out is one list; put a loop behind it to look at each item.")
        return _data_transform(place, [{"operation": "extract", "path": f"$.{_json_path(name)}"}])
    if operation == "limit":
        most = parameters.get("maxItems", 1)
        if isinstance(most, bool) or not isinstance(most, int) or not 0 < most < 1_000_000:
            raise UntranslatableError("a limit that is computed")
        part = f"-{most}:" if parameters.get("keep") == "lastItems" else f"0:{most}"
        return _data_transform(place, [{"operation": "extract", "path": f"$[{part}]"}])
    if operation == "sort":
        return _data_transform(place, _sorting(parameters))
    if operation == "removeDuplicates":
        names = parameters.get("fieldsToCompare")
        by = {"by": _plain_name(names)} if isinstance(names, str) and names else {}
        return _data_transform(place, [{"operation": "unique", **by}])
    raise UntranslatableError(f"{operation[:60] or kind}, which has no counterpart here")


def _sorting(parameters: Mapping[str, Any]) -> list[Fields]:
    written = parameters.get("sortFieldsUi")
    items = written.get("sortField") if isinstance(written, Mapping) else None
    if parameters.get("type", "simple") != "simple" or not isinstance(items, list) or not items:
        raise UntranslatableError("a sort by a program or at random")
    found = []
    # The last one first: sorting keeps the order of what is equal.
    for item in reversed(items[:10]):
        if not isinstance(item, Mapping):
            raise UntranslatableError("a sort without a field")
        order = "desc" if item.get("order") == "descending" else "asc"
        found.append({"operation": "sort", "by": _plain_name(item.get("fieldName")), "order": order})
    return found


def _data_transform(place: Place, operations: list[Fields]) -> Fields:
    return {
        "type": "data_transform",
        "input_source": f"{{{{{place.given}}}}}",
        "operations": operations,
        "output_field": "items",
    }


def _plain_name(name: Any) -> str:
    if not isinstance(name, str) or not name.replace("_", "").replace(".", "").isalnum() or not name.isascii():
        raise UntranslatableError("a field whose name is no plain word")
    return name


def _json_path(name: str) -> str:
    return _plain_name(name.removeprefix("$json.").removeprefix("json."))


__all__ = ["asked", "called", "transformed"]
