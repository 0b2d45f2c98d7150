"""Listing and checking files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.steps.files.globs import is_glob
from workers.steps.files.jail import Entry, Jail, Parts, parts_of
from workers.steps.files.params import FileCheck, FileOps
from workers.steps.files.patterns import UserPattern
from workers.steps.files.select import bounded, compile_glob, matching

MOST_TEXT = 10 << 20


def _looks_like_regex(pattern: str) -> bool:
    return pattern.startswith("^") or pattern.endswith("$") or "\\" in pattern


def _wanted(params: FileOps, start: Parts, entries: Iterator[Entry]) -> Iterator[Entry]:
    """A glob for names, or for paths below `path` when it has a slash; a regular expression for names."""
    pattern = params.pattern
    hidden = params.options.include_hidden
    regex = UserPattern(pattern, "list pattern") if pattern and _looks_like_regex(pattern) else None
    glob = compile_glob(pattern, hidden=hidden) if pattern and regex is None else None
    for entry in entries:
        inside = entry.parts[len(start) :]
        if entry.kind == "other" or (not hidden and any(part.startswith(".") for part in inside)):
            continue
        if regex is not None and not regex.found_in(entry.parts[-1]):
            continue
        if glob is not None and not glob.matches(inside if "/" in (pattern or "") else inside[-1:]):
            continue
        yield entry


def list_files(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """The names in a folder; with `recursive`, or a pattern with a slash, also what is below."""
    folder = "." if params.path is None else params.path
    start = parts_of(folder)
    if jail.entry(start).kind != "folder":
        raise StepFailed(f"{folder!r} is not a folder", code="not_a_folder")
    everywhere = "recursive" in params.options.model_fields_set and params.options.recursive
    deep = params.recursive or everywhere or "/" in (params.pattern or "")
    entries = bounded(jail.walk(start)) if deep else iter(jail.children(start))
    found = list(_wanted(params, start, entries))
    if params.options.sort_by == "size":
        found.sort(key=lambda entry: (-entry.size, entry.parts))
    elif params.options.sort_by == "modified":
        found.sort(key=lambda entry: (-entry.modified, entry.parts))
    files = ["/".join(entry.parts[len(start) :]) for entry in found[: params.options.limit]]
    result = {
        "operation": "list",
        "path": folder,
        "pattern": params.pattern,
        "files": files,
        "count": len(files),
        "details": [_detail(entry, start) for entry in found[: params.options.limit]],
    }
    return result | ({params.output_field: files} if params.output_field else {})


def _detail(entry: Entry, start: Parts) -> dict[str, Any]:
    return {
        "path": "/".join(entry.parts[len(start) :]),
        "kind": entry.kind,
        "size": entry.size,
        "modified": datetime.fromtimestamp(entry.modified, UTC).isoformat(),
    }


def validate(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Check files. Everything that is wrong is named in one error."""
    results: list[dict[str, Any]] = []
    for check in params.files or []:
        for path in _paths(jail, check):
            problems = _problems(jail, check, path)
            results.append(
                {"path": path, "status": "invalid" if problems else "valid", "criteria": _criteria(check)}
                | ({"problems": problems} if problems else {})
            )
    wrong = [f"{result['path']}: {problem}" for result in results for problem in result.get("problems", ())]
    if wrong:
        more = f" (and {len(wrong) - 5} more)" if len(wrong) > 5 else ""
        raise StepFailed("; ".join(wrong[:5]) + more, code="invalid_files", details={"results": results})
    return {"operation": "validate", "results": results, "status": "all_valid"}


def _paths(jail: Jail, check: FileCheck) -> list[str]:
    written = check.path if check.path is not None else check.pattern or ""
    if check.path is not None and (not is_glob(written) or jail.find(parts_of(written)) is not None):
        return [written]
    return [found.entry.path for found in matching(jail, written)] or [written]


def _criteria(check: FileCheck) -> dict[str, Any]:
    chosen_by = {"path"} if _content_pattern(check) else {"path", "pattern"}
    return check.model_dump(exclude_unset=True, exclude=chosen_by)


def _problems(jail: Jail, check: FileCheck, path: str) -> list[str]:
    parts = parts_of(path)
    entry = jail.find(parts)
    if entry is None:
        return ["does not exist"] if check.must_exist else []
    if entry.kind == "other":
        return ["is a symbolic link, device or pipe"]
    tests = [
        (check.must_be_file and entry.kind != "file", "is not a file"),
        (check.must_be_dir and entry.kind != "folder", "is not a folder"),
        (_looks_inside(check) and entry.kind == "folder", "is a folder, so it has no content to check"),
        (check.must_be_readable and not jail.can_open(parts, os.O_RDONLY), "cannot be read"),
        (
            check.must_be_writable and entry.kind == "file" and not jail.can_open(parts, os.O_WRONLY),
            "cannot be written",
        ),
    ]
    problems = [problem for fails, problem in tests if fails]
    if entry.kind == "file":
        if check.min_size is not None and entry.size < check.min_size:
            problems.append(f"has {entry.size} bytes, fewer than {check.min_size}")
        if check.max_size is not None and entry.size > check.max_size:
            problems.append(f"has {entry.size} bytes, more than {check.max_size}")
        if _looks_inside(check):
            problems.extend(_content_problems(jail.read(parts, MOST_TEXT), check))
    return problems


def _looks_inside(check: FileCheck) -> bool:
    return bool(check.must_contain) or check.validate_json or _content_pattern(check) is not None


def _content_pattern(check: FileCheck) -> str | None:
    """Beside a path, `pattern` is about the content."""
    return check.pattern if check.path is not None else None


def _content_problems(data: bytes, check: FileCheck) -> list[str]:
    texts = [check.must_contain] if isinstance(check.must_contain, str) else check.must_contain
    problems = [f"does not contain {text[:60]!r}" for text in texts if text.encode() not in data]
    wanted = _content_pattern(check)
    if wanted is not None and not UserPattern(wanted, "files pattern").found_in(data.decode("utf-8", "replace")):
        problems.append(f"has nothing that matches {wanted[:60]!r}")
    if check.validate_json:
        try:
            json.loads(data)
        except (ValueError, RecursionError) as error:
            problems.append(f"is not valid JSON: {error}")
    return problems
