"""Queries about what needs what."""

from __future__ import annotations

from typing import Any

from workers.steps.codebase.criteria import AnalyzeImpact, FindDependencies, FindDependents, FindRelated, Nothing
from workers.steps.codebase.finding import asked
from workers.steps.codebase.graph import ImportGraph, is_standard
from workers.steps.codebase.project import declared, project_type
from workers.steps.codebase.related import related
from workers.steps.codebase.tree import Tree


def find_dependencies(tree: Tree, query: FindDependencies) -> dict[str, Any]:
    """Of a file: `direct` are the modules from outside it imports, `file_specific` the files of the tree; `transitive`
    what those need in turn. Of the project: `direct` is what it declares, `transitive` what is imported besides."""
    if query.for_file is None:
        entries = [entry for entry in declared(tree) if query.type in (None, entry["type"])]
        names = sorted({str(entry["name"]) for entry in entries})
        outside = _outside(tree, ImportGraph(tree), query, None) if query.include_transitive else []
        known = {name.lower().replace("-", "_") for name in names}
        undeclared = [name for name in outside if name.lower().replace("-", "_") not in known]
        found: dict[str, Any] = {"direct": names, "transitive": undeclared, "file_specific": {}}
    else:
        path = tree.file(query.for_file).path
        graph = ImportGraph(tree)
        direct = _outside(tree, graph, query, {path})
        reach = graph.reach(path, query.max_depth) if query.include_transitive else {}
        beyond = set(_outside(tree, graph, query, set(reach))) - set(direct) if reach else set()
        found = {
            "direct": direct,
            "transitive": sorted({*(other for other, far in reach.items() if far > 1), *beyond}),
            "file_specific": {path: sorted(graph.needs.get(path, ()))},
        }
    return {"dependencies": found, "config": asked(query)}


def _outside(tree: Tree, graph: ImportGraph, query: FindDependencies, paths: set[str] | None) -> list[str]:
    names: set[str] = set()
    for file in tree.sources(query.language):
        if paths is None or file.path in paths:
            for module in graph.outside.get(file.path, ()):
                if query.include_stdlib or not is_standard(file.language, module):
                    names.add(module)
    return sorted(names)


def find_dependents(tree: Tree, query: FindDependents) -> dict[str, Any]:
    """Files that import one, with how far away they are."""
    path = tree.file(query.of_file).path
    reach = ImportGraph(tree).reach(path, query.max_depth, backwards=True)
    found = [
        {"file": other, "distance": far}
        for other, far in sorted(reach.items(), key=lambda pair: (pair[1], pair[0]))
        if query.include_tests or not tree.by_path[other].is_test
    ]
    return {"dependents": found, "count": len(found), "config": asked(query)}


def find_related(tree: Tree, query: FindRelated) -> dict[str, Any]:
    """Tests of a file, sources of a test, files with similar names, neighbours."""
    wanted = set(query.types)
    found = [entry for entry in related(tree, tree.file(query.file)) if entry["relation_type"] in wanted]
    return {"related_files": found[: query.max_results], "config": asked(query)}


def analyze_impact(tree: Tree, query: AnalyzeImpact) -> dict[str, Any]:
    """What a change may affect; the score is 3 for each direct, 1 for each further file, 2 for each test."""
    file = tree.file(query.file)
    reach = ImportGraph(tree).reach(file.path, query.max_depth, backwards=True)
    affected = {path: far for path, far in reach.items() if not tree.by_path[path].is_test}
    directly = sorted(path for path, far in affected.items() if far == 1)
    potentially = sorted(path for path, far in affected.items() if far > 1)
    named = {entry["file"] for entry in related(tree, file) if entry["relation_type"] == "test"}
    tests = sorted({path for path in reach if tree.by_path[path].is_test} | named) if query.include_tests else []
    return {
        "impact_analysis": {
            "directly_affected": directly,
            "potentially_affected": potentially,
            "test_files": tests,
            "impact_score": 3 * len(directly) + len(potentially) + 2 * len(tests),
        },
        "config": asked(query),
    }


def find_circular_dependencies(tree: Tree, query: Nothing) -> dict[str, Any]:
    """A shortest cycle of imports for each tangle of files."""
    cycles = ImportGraph(tree).cycles()
    return {"cycles": cycles, "count": len(cycles)}


def get_project_type(tree: Tree, query: Nothing) -> dict[str, Any]:
    """By the files at the root."""
    return project_type(tree)


def get_dependencies(tree: Tree, query: Nothing) -> dict[str, Any]:
    """What the project's own files declare."""
    found = declared(tree)
    return {"dependencies": found, "count": len(found)}
