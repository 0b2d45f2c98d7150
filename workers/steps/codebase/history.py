"""Queries about the repository's history."""

from __future__ import annotations

from typing import Any

from workers.steps.codebase.criteria import ChangedFiles, History, Nothing
from workers.steps.codebase.finding import asked
from workers.steps.codebase.git import Repository


def get_git_status(repository: Repository, query: Nothing) -> dict[str, Any]:
    """Branch, commit and changes."""
    return repository.status()


def get_recent_commits(repository: Repository, query: History) -> dict[str, Any]:
    """Newest first."""
    commits = repository.commits(query.limit, query.since)
    return {"commits": commits, "count": len(commits), "config": asked(query)}


def get_changed_files(repository: Repository, query: ChangedFiles) -> dict[str, Any]:
    """Files that differ from a revision."""
    files = repository.changed_since(query.since)
    return {"files": files, "count": len(files), "config": asked(query)}


def get_contributors(repository: Repository, query: History) -> dict[str, Any]:
    """Who made how many commits."""
    people = repository.contributors(query.since)
    return {"contributors": people[: query.limit], "count": len(people), "config": asked(query)}


def get_change_frequency(repository: Repository, query: History) -> dict[str, Any]:
    """Which files change most."""
    return {"files": repository.change_counts(query.limit, query.since), "config": asked(query)}
