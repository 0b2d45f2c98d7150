"""`codebase_query`: ask questions about a source tree. Read only; which folders may be read is the operator's choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepCancelled, StepContext, StepFailed, step_kind
from workers.steps.codebase import criteria, finding, history, measuring, relations
from workers.steps.codebase.git import Repository
from workers.steps.codebase.languages import SKIPPED_FOLDERS
from workers.steps.codebase.project import declared, project_type
from workers.steps.codebase.tree import Tree
from workers.steps.fields import Params, TemplatedBool, require
from workers.steps.files.jail import Jail
from workers.steps.files.rules import FREE, Rules, rules_of

Merged = criteria.Merged()
Symbols = Annotated[criteria.FindSymbols | None, Merged]
Plain = Annotated[criteria.Nothing | None, Merged]
Commits = Annotated[criteria.History | None, Merged]


class Query(Params):
    """One question: exactly one of these, with its criteria as a list of maps or as a map."""

    find_files: Annotated[criteria.FindFiles | None, Merged] = Field(None, description="Files by name, place, content.")
    find_dependencies: Annotated[criteria.FindDependencies | None, Merged] = Field(None, description="What is needed.")
    find_dependents: Annotated[criteria.FindDependents | None, Merged] = Field(None, description="Who needs a file.")
    find_functions: Symbols = Field(None, description="Functions and methods.")
    find_classes: Symbols = Field(None, description="Classes, structs.")
    find_interfaces: Symbols = Field(None, description="Protocols, interfaces, traits.")
    find_modules: Annotated[criteria.FindModules | None, Merged] = Field(None, description="Modules and packages.")
    find_exports: Symbols = Field(None, description="What files offer.")
    find_imports: Annotated[criteria.FindImports | None, Merged] = Field(None, description="Import statements.")
    find_references: Annotated[criteria.FindReferences | None, Merged] = Field(None, description="Mentions of a name.")
    find_related: Annotated[criteria.FindRelated | None, Merged] = Field(
        None, description="Files that belong together."
    )
    find_entry_points: Plain = Field(None, description="Files that are run.")
    find_circular_dependencies: Plain = Field(None, description="Cycles of imports.")
    analyze_impact: Annotated[criteria.AnalyzeImpact | None, Merged] = Field(None, description="What a change affects.")
    measure: Annotated[criteria.Measure | None, Merged] = Field(None, description="Lines, functions, documentation.")
    count_lines: Annotated[criteria.Measure | None, Merged] = Field(None, description="The same as measure.")
    get_project_type: Plain = Field(None, description="The kind of project.")
    get_dependencies: Plain = Field(None, description="Declared dependencies.")
    get_git_status: Plain = Field(None, description="Branch, commit, changes.")
    get_recent_commits: Commits = Field(None, description="The last commits.")
    get_changed_files: Annotated[criteria.ChangedFiles | None, Merged] = Field(None, description="What differs.")
    get_contributors: Commits = Field(None, description="Authors.")
    get_change_frequency: Commits = Field(None, description="Files that change most.")

    @model_validator(mode="after")
    def _one_question(self) -> Query:
        asked = sorted(self.model_fields_set)
        require(len(asked) == 1, f"a query asks exactly one question; this one asks {', '.join(asked) or 'none'}")
        return self


class CodebaseQuery(Params):
    """Questions about one tree, each with a name for its answer."""

    workspace_dir: str | None = Field(
        None,
        description="The tree's folder: below the workspace, or a folder the operator has allowed. Default: the workspace.",
    )
    queries: dict[str, Query] = Field(default_factory=dict, description="Name of the answer → question.")
    codebase_context: TemplatedBool = Field(
        False, description="Also give an overview of the tree as `codebase_context`."
    )

    @model_validator(mode="after")
    def _asks_something(self) -> CodebaseQuery:
        require(
            bool(self.queries) or self.codebase_context is not False,
            "`queries` is missing: a map from names to questions",
        )
        require("codebase_context" not in self.queries, "an answer cannot be called `codebase_context`")
        return self


_TREE: dict[str, Callable[[Tree, Any], dict[str, Any]]] = {
    "find_files": finding.find_files,
    "find_dependencies": relations.find_dependencies,
    "find_dependents": relations.find_dependents,
    "find_functions": finding.find_functions,
    "find_classes": finding.find_classes,
    "find_interfaces": finding.find_interfaces,
    "find_modules": finding.find_modules,
    "find_exports": finding.find_exports,
    "find_imports": finding.find_imports,
    "find_references": finding.find_references,
    "find_related": relations.find_related,
    "find_entry_points": finding.find_entry_points,
    "find_circular_dependencies": relations.find_circular_dependencies,
    "analyze_impact": relations.analyze_impact,
    "measure": measuring.measure,
    "count_lines": measuring.measure,
    "get_project_type": relations.get_project_type,
    "get_dependencies": relations.get_dependencies,
}
_HISTORY: dict[str, Callable[[Repository, Any], dict[str, Any]]] = {
    "get_git_status": history.get_git_status,
    "get_recent_commits": history.get_recent_commits,
    "get_changed_files": history.get_changed_files,
    "get_contributors": history.get_contributors,
    "get_change_frequency": history.get_change_frequency,
}


def allowed_root(written: str | None, step: StepContext) -> tuple[Path, Path | None]:
    """The folder to read, and the operator's folder it is in (None for the workspace)."""
    workspace = step.workspace.resolve()
    if written is None:
        return workspace, None
    if "\0" in written:
        raise StepFailed("workspace_dir is not a usable path", code="path_refused")
    root = (workspace / written).resolve()
    if root.is_relative_to(workspace):
        return root, None
    for allowed in step.readable_roots:
        inside = allowed.resolve()
        if root.is_relative_to(inside) and SKIPPED_FOLDERS.isdisjoint(root.relative_to(inside).parts):
            return root, inside
    raise StepFailed(
        f"workspace_dir {written[:200]!r} is not a folder that may be read. The operator allows folders with the environment "
        "variable SYMPHONY_READABLE_ROOTS (several are separated as in PATH); paths are relative to the run's workspace",
        code="folder_not_allowed",
    )


@step_kind(StepKind(name="codebase_query", params=CodebaseQuery, summary="Ask questions about a source tree"))
def run(params: CodebaseQuery, step: StepContext) -> dict[str, Any]:
    """The answers by name. A question that fails has `{"error": …}` as its answer."""
    if "workspace_dir" in params.model_fields_set and not params.workspace_dir:
        raise StepFailed("workspace_dir is empty; its template found nothing (is an input missing?)", code="bad_params")
    root, allowed = allowed_root(params.workspace_dir, step)

    def pulse() -> None:
        if step.cancelled.is_set():
            raise StepCancelled(step.name)

    with Jail(root, _rules(step, root)) as jail:
        tree = Tree(jail, pulse)
        repository = Repository(root, allowed) if allowed is not None else None
        answers = {name: _answer(query, tree, repository) for name, query in params.queries.items()}
        if params.codebase_context:
            answers["codebase_context"] = _context(root, tree, repository)
    return answers


def _rules(step: StepContext, root: Path) -> Rules:
    """The document's rules hold in the workspace; the operator's folders are read only in any case."""
    workspace = step.workspace.resolve()
    if not root.is_relative_to(workspace):
        return FREE
    return replace(rules_of(step.workflow).below(root.relative_to(workspace).parts), most_bytes=None)


def _answer(query: Query, tree: Tree, repository: Repository | None) -> dict[str, Any]:
    (question,) = query.model_fields_set
    asked = getattr(query, question)
    try:
        if question in _HISTORY:
            return _HISTORY[question](_need(repository), asked)
        answer = _TREE[question](tree, asked)
    except StepFailed as error:
        return {"error": str(error)}
    return answer | ({"truncated": True} if tree.truncated else {})


def _need(repository: Repository | None) -> Repository:
    """A run's workspace can hold a repository of the melody's own making, whose settings would be programs to run."""
    if repository is None:
        raise StepFailed(
            "git is only asked about folders the operator has allowed, not about the workspace", code="no_git"
        )
    return repository


def _context(root: Path, tree: Tree, repository: Repository | None) -> dict[str, Any]:
    try:
        status = _need(repository).status()
        commits = _need(repository).commits(10, None)
        git_info: dict[str, Any] = {
            "branch": status["branch"],
            "commit": status["commit"],
            "status": status["changed"],
            "recent_commits": commits,
        }
    except StepFailed as error:
        git_info = {"error": str(error)}
    by_role: dict[str, list[str]] = {}
    for file in tree.files:
        by_role.setdefault(file.role, []).append(file.path)
    return {
        "root_path": root.name,
        "project_type": project_type(tree)["project_type"],
        "files": {file.path: file.describe() for file in tree.files},
        "dependencies": declared(tree),
        "git_info": git_info,
        "structure": {
            "directories": sorted({file.package(60) for file in tree.files}),
            "main_files": by_role.get("main", []),
            "test_files": by_role.get("test", []),
            "config_files": by_role.get("config", []),
            "source_files": by_role.get("source", []),
        },
        "metadata": {
            "file_count": len(tree.files),
            "total_size": sum(file.size for file in tree.files),
            "truncated": tree.truncated,
            "read_at": datetime.now(UTC).isoformat(),
        },
    }
