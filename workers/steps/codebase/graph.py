"""Which file of a tree needs which: imports resolved to files."""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from workers.steps.codebase.outline import Import
from workers.steps.codebase.tree import SourceFile, Tree

_SCRIPT_ENDINGS = ("", ".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", "/index.js", "/index.ts", "/index.tsx")


class ImportGraph:
    """`needs[a]` are the files a imports, `needed_by[b]` those that import b; `outside[a]` the modules that are not files here."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.needs: dict[str, set[str]] = {}
        self.needed_by: dict[str, set[str]] = defaultdict(set)
        self.outside: dict[str, set[str]] = {}
        self._modules = _python_modules(tree)
        self._elixir = {
            symbol.name: file.path for file in tree.sources("elixir") for symbol in tree.outline(file).modules
        }
        self._go = _go_packages(tree)
        for file in tree.sources():
            self._add(file)

    def _add(self, file: SourceFile) -> None:
        needs = self.needs[file.path] = set()
        outside = self.outside[file.path] = set()
        for found in self._tree.outline(file).imports:
            paths = set(self._resolve(file, found))
            needs |= paths - {file.path}
            if not paths and not found.level and not found.module.startswith("."):
                outside.add(_top(file.language, found.module))
        for path in needs:
            self.needed_by[path].add(file.path)

    def _resolve(self, file: SourceFile, found: Import) -> Iterable[str]:
        match file.language:
            case "python":
                return self._python(file, found)
            case "javascript":
                return self._javascript(file, found.module)
            case "elixir":
                return [self._elixir[found.module]] if found.module in self._elixir else []
            case "go":
                return self._go_files(found.module)
        return self._rust(file, found.module)

    def _python(self, file: SourceFile, found: Import) -> Iterator[str]:
        base = found.module
        if found.level:
            package = file.parts[:-1][: len(file.parts) - found.level]
            base = ".".join([*package, *([found.module] if found.module else [])])
        submodules = [f"{base}.{name}" for name in found.names if f"{base}.{name}" in self._modules]
        yield from (self._modules[name] for name in submodules)
        if base in self._modules and (len(submodules) < len(found.names) or not found.names):
            yield self._modules[base]

    def _javascript(self, file: SourceFile, module: str) -> Iterator[str]:
        if not module.startswith("."):
            return
        start = posixpath.normpath(posixpath.join(*file.parts[:-1], module))
        yield from (start + ending for ending in _SCRIPT_ENDINGS if start + ending in self._tree.by_path)

    def _rust(self, file: SourceFile, module: str) -> Iterator[str]:
        parts = module.split("::")
        here = file.parts[:-1]
        root = here[: here.index("src") + 1] if "src" in here else ()
        if parts[0] == "crate":
            starts, parts = [root], parts[1:]
        else:
            starts = [here, (*here, file.stem)]
        for start in starts:
            for size in range(len(parts), 0, -1):
                stem = "/".join((*start, *parts[:size]))
                yield from (path for path in (f"{stem}.rs", f"{stem}/mod.rs") if path in self._tree.by_path)

    def _go_files(self, module: str) -> Iterator[str]:
        parts = module.split("/")
        for size in range(len(parts), 0, -1):
            folder = "/".join(parts[-size:])
            if folder in self._go:
                yield from self._go[folder]
                return

    def reach(self, start: str, depth: int, *, backwards: bool = False) -> dict[str, int]:
        """The files within `depth` imports of one, with their distance; itself left out."""
        edges: Mapping[str, set[str]] = self.needed_by if backwards else self.needs
        distance = {start: 0}
        level = [start]
        for far in range(1, depth + 1):
            following: list[str] = []
            for path in level:
                for other in sorted(edges.get(path, ())):
                    if other not in distance:
                        distance[other] = far
                        following.append(other)
            level = following
        del distance[start]
        return distance

    def cycles(self) -> list[list[str]]:
        """One shortest cycle for each group of files that all need each other."""
        return [self._cycle_in(group) for group in self._tangles()]

    def _tangles(self) -> list[set[str]]:
        """Strongly connected components of more than one file (Kosaraju, without recursion)."""
        order: list[str] = []
        seen: set[str] = set()
        for start in sorted(self.needs):
            stack: list[tuple[str, Iterator[str]]] = [] if start in seen else [(start, iter(sorted(self.needs[start])))]
            seen.add(start)
            while stack:
                path, rest = stack[-1]
                following = next((other for other in rest if other not in seen), None)
                if following is None:
                    order.append(path)
                    stack.pop()
                else:
                    seen.add(following)
                    stack.append((following, iter(sorted(self.needs.get(following, ())))))
        assigned: set[str] = set()
        tangles: list[set[str]] = []
        for start in reversed(order):
            group: set[str] = set()
            pending = [start]
            while pending:
                path = pending.pop()
                if path not in assigned:
                    assigned.add(path)
                    group.add(path)
                    pending.extend(self.needed_by.get(path, ()))
            if len(group) > 1:
                tangles.append(group)
        return tangles

    def _cycle_in(self, group: set[str]) -> list[str]:
        start = min(group)
        came_from: dict[str, str] = {}
        level = [start]
        while level:
            following: list[str] = []
            for path in level:
                for other in sorted(self.needs[path] & group):
                    if other == start:
                        return _way(came_from, start, path)
                    if other not in came_from:
                        came_from[other] = path
                        following.append(other)
            level = following
        return sorted(group)


def _way(came_from: Mapping[str, str], start: str, end: str) -> list[str]:
    way = [start, end] if end != start else [start]
    path = end
    while path != start:
        path = came_from[path]
        if path != start:
            way.insert(1, path)
    return [*way, start]


def _python_modules(tree: Tree) -> dict[str, str]:
    """Dotted name → file. A leading `src` folder does not count."""
    modules: dict[str, str] = {}
    for file in tree.sources("python"):
        parts = [*file.parts[:-1], file.stem]
        if parts[-1] == "__init__":
            parts.pop()
        modules[".".join(parts)] = file.path
        if parts[:1] == ["src"]:
            modules.setdefault(".".join(parts[1:]), file.path)
    modules.pop("", None)
    return modules


def _go_packages(tree: Tree) -> dict[str, list[str]]:
    packages: dict[str, list[str]] = defaultdict(list)
    for file in tree.sources("go"):
        packages["/".join(file.parts[:-1])].append(file.path)
    packages.pop("", None)
    return dict(packages)


def _top(language: str | None, module: str) -> str:
    """The installed thing a module belongs to."""
    if language == "python":
        return module.partition(".")[0]
    if language == "rust":
        return module.partition("::")[0]
    if language == "javascript":
        return "/".join(module.split("/")[: 2 if module.startswith("@") else 1])
    return module


def is_standard(language: str | None, module: str) -> bool:
    """Whether a module comes with its language."""
    if language == "python":
        return module in sys.stdlib_module_names
    if language == "rust":
        return module in ("std", "core", "alloc", "self", "super", "crate")
    if language == "go":
        return "." not in module.partition("/")[0]
    return language == "javascript" and module.startswith("node:")
