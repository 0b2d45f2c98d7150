"""What each query can be asked. A query is written as a list of maps, which are merged, or as one map."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from workers.steps.fields import OrTemplate, Params, TemplatedBool

Limit = Annotated[int, Field(ge=1, le=10_000), OrTemplate()]
Size = Annotated[int, Field(ge=0), OrTemplate()]
Depth = Annotated[int, Field(ge=1, le=50), OrTemplate()]
Relation = Literal["test", "source", "similar", "directory"]


def as_list(value: Any) -> Any:
    """A single text stands for a list of one."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(as_list, json_schema_input_type=str | list[str])]


def merge(value: Any) -> Any:
    """`[{a: 1}, {b: 2}]` is `{a: 1, b: 2}`; null and [] ask without criteria."""
    if value is None:
        return {}
    if isinstance(value, list) and all(isinstance(part, dict) for part in value):
        return {key: item for part in value for key, item in part.items()}
    return value


class Merged:
    """Marks criteria that may be written as a list of maps too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(merge, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "array", "items": {"type": "object"}}]}


class Scoped(Params):
    """Which files a query looks at."""

    language: str | None = Field(None, description="python, elixir, javascript (with TypeScript), rust or go.")
    in_dir: str | None = Field(None, description="Only files below this folder.")
    pattern: str | None = Field(
        None, description="A glob for paths (`src/**/*.py`), or for names when it has no slash."
    )
    exclude_patterns: Texts = Field(default_factory=list, description="Globs of files to leave out.")
    exclude_tests: TemplatedBool = Field(False, description="Leave tests out.")


class FindFiles(Scoped):
    """Files by name, place, size and content."""

    type: Literal["main", "test", "config", "source"] | None = Field(None, description="What part the file plays.")
    extension: str | None = Field(None, description="With its dot: `.py`.")
    contains: str | None = Field(None, description="A text that occurs in the file.")
    related_to: str | None = Field(None, description="Only files related to this one.")
    modified_since: str | None = Field(None, description="An ISO date.")
    size_min: Size | None = Field(None, description="Smallest size in bytes.")
    size_max: Size | None = Field(None, description="Largest size in bytes.")
    min_size: Size | None = Field(None, description="The same as size_min.")


class FindDependencies(Params):
    """What a file, or the whole project, needs."""

    for_file: str | None = Field(None, description="Of this file; without it, of the project.")
    include_transitive: TemplatedBool = Field(False, description="Also what those files need in turn.")
    include_stdlib: TemplatedBool = Field(False, description="Also modules that come with the language.")
    type: Literal["runtime", "dev"] | None = Field(None, description="Only declared dependencies of this type.")
    language: str | None = Field(None, description="Only files of this language.")
    max_depth: Depth = Field(10, description="How far to follow.")


class FindSymbols(Scoped):
    """Functions, classes and the like. Here `pattern` is a regular expression for names."""

    name: str | None = Field(None, description="The exact name.")
    pattern: str | None = Field(None, description="A regular expression that occurs in the name.")
    type: str | None = Field(None, description="function, async_function, method, class; or public, private.")
    in_file: str | None = Field(None, description="Only in this file.")
    in_files: Texts = Field(default_factory=list, description="Only in files that fit these globs.")
    public_only: TemplatedBool = Field(False, description="Leave private ones out.")
    with_decorator: str | None = Field(None, description="Only those with this decorator.")
    with_annotation: str | None = Field(None, description="Only those whose signature or decorators contain this text.")
    extract_metadata: TemplatedBool = Field(
        False, description="Also give length, decorators, whether documented, and more."
    )
    min_lines: Size | None = Field(None, description="Only those with at least this many lines.")
    limit: Limit = Field(5000, description="At most this many.")


class FindModules(Scoped):
    """Modules, and the packages (folders) they are in."""

    depth: Depth = Field(2, description="How many levels of folders make up a package.")


class FindRelated(Params):
    """Files that have to do with one."""

    file: str = Field(description="Which file.")
    types: Annotated[list[Relation], BeforeValidator(as_list, json_schema_input_type=Relation | list[Relation])] = (
        Field(default_factory=lambda: list(get_args(Relation)), description="In which ways.")
    )
    max_results: Limit = Field(20, description="At most this many.")


class AnalyzeImpact(Params):
    """What a change of a file may affect."""

    file: str = Field(description="Which file.")
    include_tests: TemplatedBool = Field(True, description="Name the tests that cover it.")
    max_depth: Depth = Field(3, description="How far to follow.")


class FindDependents(Params):
    """Files that import a file, directly or not."""

    of_file: str = Field(description="Which file.")
    include_tests: TemplatedBool = Field(True, description="Also tests.")
    max_depth: Depth = Field(1, description="How far to follow.")


class FindImports(Scoped):
    """Import statements."""

    in_file: str | None = Field(None, description="Only in this file.")
    module: str | None = Field(None, description="Only imports of this module or what is below it.")


class FindReferences(Scoped):
    """Where a name is mentioned, as a whole word."""

    name: str = Field(min_length=1, max_length=200, description="The name.")
    limit: Limit = Field(500, description="At most this many.")


class History(Params):
    """Commits of a time."""

    since: str | None = Field(None, description="A date, or what git understands: `2 weeks ago`.")
    limit: Limit = Field(10, description="At most this many.")


class ChangedFiles(Params):
    """What differs from a commit."""

    since: str = Field("HEAD", description="A revision: `HEAD~3`, `main`, a commit.")


class Measure(Scoped):
    """Size and documentation of code."""

    by: Literal["file", "package", "language", "total"] = Field("package", description="What to add up.")
    depth: Depth = Field(2, description="How many levels of folders make up a package.")
    package: str | None = Field(None, description="Only the files counted under this package.")
    top: Limit = Field(10_000, description="Only this many, the largest first.")


class Nothing(Params):
    """This query has no criteria."""
