"""Queries that look for files, functions, classes, modules, imports and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from workers.contract import StepFailed
from workers.steps.codebase.criteria import (
    FindFiles,
    FindImports,
    FindModules,
    FindReferences,
    FindSymbols,
    Nothing,
    Scoped,
)
from workers.steps.codebase.outline import Outline, Symbol
from workers.steps.codebase.related import related
from workers.steps.codebase.tree import SourceFile, Tree
from workers.steps.files.globs import Glob
from workers.steps.files.patterns import UserPattern
from workers.steps.files.select import compile_glob

LONGEST_LINE = 300


def asked(criteria: BaseModel) -> dict[str, Any]:
    """The criteria as they were written."""
    return criteria.model_dump(exclude_unset=True)


def _fits(glob: Glob, file: SourceFile) -> bool:
    return glob.matches(file.parts) if "/" in glob.text else glob.matches_name(file.name)


def in_scope(tree: Tree, scope: Scoped, files: Iterable[SourceFile], *, paths: str | None) -> Iterator[SourceFile]:
    """The files that the common criteria leave; `paths` is their glob."""
    wanted = compile_glob(paths, hidden=True) if paths else None
    unwanted = [compile_glob(text, hidden=True) for text in scope.exclude_patterns]
    folder = tuple(part for part in (scope.in_dir or "").split("/") if part not in ("", "."))
    for file in files:
        if (
            (scope.language is None or file.language == scope.language)
            and file.parts[: len(folder)] == folder
            and (wanted is None or _fits(wanted, file))
            and not (scope.exclude_tests and file.is_test)
            and not any(_fits(glob, file) for glob in unwanted)
        ):
            yield file


def find_files(tree: Tree, query: FindFiles) -> dict[str, Any]:
    """Relative paths, sorted."""
    since = _moment(query.modified_since)
    smallest = query.size_min if query.size_min is not None else query.min_size
    near = {found["file"] for found in related(tree, tree.file(query.related_to))} if query.related_to else None
    suffix = query.extension if query.extension is None or query.extension.startswith(".") else f".{query.extension}"
    found = [
        file.path
        for file in in_scope(tree, query, tree.files, paths=query.pattern)
        if (query.type is None or file.role == query.type or (query.type == "source" and file.role == "main"))
        and (suffix is None or file.name.endswith(suffix))
        and (smallest is None or file.size >= smallest)
        and (query.size_max is None or file.size <= query.size_max)
        and (since is None or file.modified >= since)
        and (near is None or file.path in near)
        and (query.contains is None or query.contains in tree.text(file))
    ]
    return {"files": found, "count": len(found), "criteria": asked(query)}


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise StepFailed(f"modified_since: {text[:40]!r} is not an ISO date", code="bad_params") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _symbols(tree: Tree, query: FindSymbols, pick: Callable[[Outline], Sequence[Symbol]], key: str) -> dict[str, Any]:
    globs = [compile_glob(text, hidden=True) for text in query.in_files]
    files: Iterable[SourceFile] = [tree.file(query.in_file)] if query.in_file else tree.sources()
    pattern = UserPattern(query.pattern, "pattern") if query.pattern else None
    found = [
        symbol.describe(file.path, full=query.extract_metadata)
        for file in in_scope(tree, query, files, paths=None)
        if not globs or any(_fits(glob, file) for glob in globs)
        for symbol in pick(tree.outline(file))
        if _wanted(symbol, query, pattern)
    ]
    found.sort(key=lambda symbol: (symbol["name"], symbol["file"], symbol["line"]))
    result = {key: found[: query.limit], "count": len(found), "config": asked(query)}
    return result | ({"truncated": True} if len(found) > query.limit else {})


def _wanted(symbol: Symbol, query: FindSymbols, pattern: UserPattern | None) -> bool:
    kinds = {symbol.kind, "public" if symbol.public else "private"}
    marks = (*symbol.decorators, symbol.signature)
    return (
        (query.name is None or symbol.name == query.name)
        and (query.type is None or query.type in kinds)
        and (symbol.public or not query.public_only)
        and (query.min_lines is None or symbol.end_line - symbol.line + 1 >= query.min_lines)
        and (query.with_decorator is None or query.with_decorator.removeprefix("@") in symbol.decorators)
        and (query.with_annotation is None or any(query.with_annotation in mark for mark in marks))
        and (pattern is None or pattern.found_in(symbol.name))
    )


def find_functions(tree: Tree, query: FindSymbols) -> dict[str, Any]:
    """Functions and methods, by name."""
    return _symbols(tree, query, lambda outline: outline.functions, "functions")


def find_classes(tree: Tree, query: FindSymbols) -> dict[str, Any]:
    """Classes, structs and the like."""
    return _symbols(tree, query, lambda outline: outline.classes, "classes")


def find_interfaces(tree: Tree, query: FindSymbols) -> dict[str, Any]:
    """Protocols and abstract classes, interfaces, traits, callbacks."""
    return _symbols(tree, query, lambda outline: outline.interfaces, "interfaces")


def find_modules(tree: Tree, query: FindModules) -> dict[str, Any]:
    """Modules with their names, and packages with how many files they have."""
    modules: list[dict[str, Any]] = []
    packages: dict[str, int] = {}
    for file in in_scope(tree, query, tree.sources(), paths=query.pattern):
        package = file.package(query.depth)
        packages[package] = packages.get(package, 0) + 1
        declared = [] if file.language == "python" else [symbol.name for symbol in tree.outline(file).modules]
        named = declared or [_module_name(file)]
        modules.extend(
            {"name": name, "file": file.path, "package": package, "language": file.language} for name in named
        )
    return {
        "modules": sorted(modules, key=lambda module: (str(module["name"]), str(module["file"]))),
        "packages": [{"name": name, "files": files} for name, files in sorted(packages.items())],
        "count": len(modules),
        "config": asked(query),
    }


def _module_name(file: SourceFile) -> str:
    parts = file.parts[:-1] if file.stem == "__init__" else (*file.parts[:-1], file.stem)
    return ".".join(parts) or file.stem


def find_exports(tree: Tree, query: FindSymbols) -> dict[str, Any]:
    """What each file offers to others."""
    files: Iterable[SourceFile] = [tree.file(query.in_file)] if query.in_file else tree.sources()
    pattern = UserPattern(query.pattern, "pattern") if query.pattern else None
    found = [
        {"name": name, "file": file.path}
        for file in in_scope(tree, query, files, paths=None)
        for name in tree.outline(file).exports
        if query.name in (None, name) and (pattern is None or pattern.found_in(name))
    ]
    found.sort(key=lambda export: (export["name"], export["file"]))
    return {"exports": found[: query.limit], "count": len(found), "config": asked(query)}


def find_imports(tree: Tree, query: FindImports) -> dict[str, Any]:
    """Import statements, file by file."""
    files: Iterable[SourceFile] = [tree.file(query.in_file)] if query.in_file else tree.sources()
    found = [
        {"module": "." * item.level + item.module, "names": list(item.names), "file": file.path, "line": item.line}
        for file in in_scope(tree, query, files, paths=query.pattern)
        for item in tree.outline(file).imports
        if query.module is None
        or item.module == query.module
        or re.match(re.escape(query.module) + r"[.:/]", item.module)
    ]
    return {"imports": found, "count": len(found), "config": asked(query)}


def find_references(tree: Tree, query: FindReferences) -> dict[str, Any]:
    """Lines on which a name stands as a whole word."""
    word = re.compile(rf"(?<!\w){re.escape(query.name)}(?!\w)")
    found: list[dict[str, Any]] = []
    for file in in_scope(tree, query, tree.sources(), paths=query.pattern):
        for number, line in enumerate(tree.text(file).splitlines(), start=1):
            if query.name in line and word.search(line):
                found.append({"file": file.path, "line": number, "text": line.strip()[:LONGEST_LINE]})
                if len(found) > query.limit:
                    found.pop()
                    return {"references": found, "count": len(found), "truncated": True, "config": asked(query)}
    return {"references": found, "count": len(found), "config": asked(query)}


def find_entry_points(tree: Tree, query: Nothing) -> dict[str, Any]:
    """Files that are run rather than imported, and why that is believed."""
    found: list[dict[str, Any]] = []
    for file in tree.sources():
        outline = tree.outline(file)
        reasons = [
            reason
            for holds, reason in (
                (outline.is_script, "runs itself"),
                (file.name == "__main__.py", "package entry"),
                (file.role == "main", "named like an entry point"),
            )
            if holds
        ]
        if reasons and not file.is_test:
            found.append({"file": file.path, "language": file.language, "reasons": reasons})
    return {"entry_points": found, "count": len(found)}
