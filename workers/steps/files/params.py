"""The fields of `file_ops`, and which of them each operation takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from workers.steps.fields import OrTemplate, Params, TemplatedBool, require

Operation = Literal[
    "copy",
    "move",
    "delete",
    "validate",
    "list",
    "convert",
    "stream_copy",
    "stream_process",
    "wait",
    "write",
    "read",
]
Conversion = Literal[
    "csv_to_json",
    "csv_to_yaml",
    "csv_to_xml",
    "json_to_csv",
    "json_to_yaml",
    "json_to_xml",
    "yaml_to_csv",
    "yaml_to_json",
    "yaml_to_xml",
    "xml_to_csv",
    "xml_to_json",
    "xml_to_yaml",
]
LONGEST_WAIT = 366 * 86_400
Size = Annotated[int, Field(ge=0), OrTemplate()]


class FileOptions(Params):
    """Finer points of an operation."""

    overwrite: TemplatedBool = Field(True, description="Replace files that exist already.")
    recursive: TemplatedBool = Field(True, description="Copy folders with all that is in them.")
    preserve_structure: TemplatedBool = Field(
        False, description="With several sources: keep their folders below the destination."
    )
    preserve_timestamps: TemplatedBool = Field(False, description="Keep the time of last change.")
    create_destination: TemplatedBool = Field(True, description="Create missing folders of the destination.")
    dry_run: TemplatedBool = Field(False, description="Delete: only say what would be deleted.")
    include_hidden: TemplatedBool = Field(False, description="List: also names that start with a dot.")
    sort_by: Annotated[Literal["name", "size", "modified"], OrTemplate()] = Field(
        "name", description="Order of a list."
    )
    limit: Annotated[int, Field(ge=1), OrTemplate()] | None = Field(None, description="List: at most this many.")
    csv_delimiter: str = Field(",", min_length=1, description="What separates the values in CSV.")
    csv_headers: bool | list[str] = Field(True, description="Whether the first row names the columns, or the names.")
    json_indent: Annotated[int, Field(ge=0, le=16), OrTemplate()] | None = Field(2, description="Spaces a level.")


class FileCheck(Params):
    """One file to check or delete by `path`, or all that fit `pattern`."""

    path: str | None = Field(None, description="A path in the workspace, or a glob.")
    pattern: str | None = Field(
        None,
        description="A glob, such as `reports/**/*.json`; beside `path`, a regular expression that the content has to match.",
    )
    older_than: str | None = Field(
        None, description="Delete: only if last changed before: `7d`, `12h`, `30m` or a date."
    )
    must_exist: TemplatedBool = Field(True, description="It has to exist.")
    must_be_file: TemplatedBool = Field(False, description="It has to be a file.")
    must_be_dir: TemplatedBool = Field(False, description="It has to be a folder.")
    min_size: Size | None = Field(None, description="Smallest size in bytes.")
    max_size: Size | None = Field(None, description="Largest size in bytes.")
    must_be_readable: TemplatedBool = Field(False, description="It can be read.")
    must_be_writable: TemplatedBool = Field(False, description="It can be written.")
    must_contain: list[str] | str = Field(default_factory=list, description="Texts that have to occur in it.")
    validate_json: TemplatedBool = Field(False, description="It has to be valid JSON.")

    @model_validator(mode="after")
    def _names_something(self) -> FileCheck:
        require(self.path is not None or self.pattern is not None, "`path` is missing (or `pattern`, a glob)")
        return self


class Selection(Params):
    """Several files by pattern."""

    pattern: str = Field(description="A glob, such as `src/**/*.{py,md}`.")
    exclude: list[str] | str = Field(default_factory=list, description="Globs of files to leave out.")


Source = str | list[str] | Selection

_TAKES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "copy": (frozenset({"source", "destination"}), frozenset({"options"})),
    "move": (frozenset({"source", "destination"}), frozenset({"options"})),
    "stream_copy": (frozenset({"source", "destination"}), frozenset({"options"})),
    "stream_process": (frozenset({"source", "processor"}), frozenset({"destination", "pattern", "replacement"})),
    "delete": (frozenset(), frozenset({"path", "files", "options"})),
    "validate": (frozenset({"files"}), frozenset()),
    "list": (frozenset(), frozenset({"path", "pattern", "recursive", "options", "output_field"})),
    "convert": (frozenset({"source", "destination", "format"}), frozenset({"options", "artifact"})),
    "wait": (frozenset({"duration_seconds"}), frozenset()),
    "write": (frozenset({"path", "content"}), frozenset({"artifact", "options"})),
    "read": (frozenset({"path"}), frozenset()),
}


class FileOps(Params):
    """One operation on files of the workspace. All paths are relative to it."""

    operation: Operation = Field(description="What to do.")
    source: Source | None = Field(
        None,
        description="copy, move: a path, a glob, a list of them, or {pattern, exclude}. convert, stream_*: a path.",
    )
    destination: str | None = Field(None, description="copy, move, convert, stream_copy: where to.")
    path: str | None = Field(None, description="delete, list (default: the workspace), write, read: a path.")
    pattern: str | None = Field(
        None,
        description="list: a glob for names (`*.py`), or for paths when it has a slash; a regular expression when it starts "
        "with ^, ends with $ or contains a backslash. stream_process: the text to replace.",
    )
    recursive: TemplatedBool = Field(False, description="list: also what is in folders below.")
    options: FileOptions = Field(default_factory=lambda: FileOptions.model_validate({}), description="Finer points.")
    files: list[FileCheck] | None = Field(None, description="validate, delete: which files.")
    format: Conversion | None = Field(None, description="convert: from what to what.")
    processor: Literal["identity", "uppercase", "lowercase", "trim", "replace"] | None = Field(
        None, description="stream_process: what to do with each line."
    )
    replacement: str | None = Field(None, description="stream_process replace: the new text.")
    content: Any = Field(None, description="write: text as it is; anything else is written as JSON.")
    artifact: TemplatedBool | None = Field(None, description="Keep what is written as an artifact (write: yes).")
    output_field: str | None = Field(None, description="list: also give the files under this name.")
    duration_seconds: Annotated[float, Field(ge=0, le=LONGEST_WAIT), OrTemplate()] | None = Field(
        None, description="wait: how long, at most 366 days."
    )

    @model_validator(mode="after")
    def _fits_operation(self) -> FileOps:
        needed, allowed = _TAKES[self.operation]
        written = self.model_fields_set - {"operation"}
        given = {name for name in written if name == "content" or getattr(self, name) is not None}
        missing = [f"`{name}`" for name in sorted(needed - given)]
        require(not missing, f"file_ops {self.operation} needs {' and '.join(missing)}")
        extra = [f"`{name}`" for name in sorted(written - needed - allowed)]
        require(not extra, f"file_ops {self.operation} has no use for {' and '.join(extra)}")
        if self.operation == "delete":
            require((self.path is None) != (self.files is None), "file_ops delete needs `path` or `files`, not both")
            both = any(check.path is not None and check.pattern is not None for check in self.files or [])
            require(not both, "file_ops delete takes either `path` or `pattern` for each of its `files`")
        if self.processor == "replace":
            require(bool(self.pattern) and self.replacement is not None, "replace needs `pattern` and `replacement`")
        if self.operation in ("convert", "stream_copy", "stream_process"):
            require(isinstance(self.source, str), f"file_ops {self.operation} needs a single path as `source`")
        return self


__all__ = ["FileCheck", "FileOps", "FileOptions", "Selection", "Source"]
