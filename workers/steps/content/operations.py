"""Post-processing: each operation looks for something in a text and, when it finds it, adds a section at its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workers.steps.content.condense import cut, sentences
from workers.steps.content.formats import code_blocks, is_item

_LINK = re.compile(r"https?://[^\s<>\"'`\])}]{1,2000}")
_ENTITY = re.compile(r"\b[A-Z][A-Za-z0-9]{1,40}(?:[ \t]+[A-Z][A-Za-z0-9]{1,40}){0,4}\b")
_METRIC = re.compile(
    r"\b\d{1,18}(?:[.,]\d{1,9}){0,6} ?(?:%|ms|s|sec|seconds|minutes|hours|days|KB|MB|GB|TB|USD|EUR|requests|users|lines|"
    r"tokens|points|x)(?![A-Za-z])|[$€£] ?\d{1,18}(?:[.,]\d{1,9}){0,6}"
)
_IMPORT = re.compile(
    r"^[ \t]{0,20}(?:from[ \t]+([\w.]{1,200})[ \t]+import\b|import[ \t]+['\"]?([\w./@-]{1,200})|require\(['\"]([\w./@-]{1,200})"
    r"|use[ \t]+([\w:]{1,200})|alias[ \t]+([\w.]{1,200})|#include[ \t]*[<\"]([\w./]{1,200}))"
)
_REQUIREMENT = re.compile(
    r"^[ \t]{0,8}(?:[-*][ \t]+)?([A-Za-z][\w.-]{1,80})[ \t]*(?:==|>=|~=|\^|@)[ \t]*v?(\d[\w.]{0,30})"
)
_ERROR = re.compile(r"\b(?:error|exception|failed|failure|traceback|fatal|panic)\b", re.IGNORECASE)
_READ = 1_000_000
_MOST = 200


@dataclass(frozen=True, slots=True)
class Manner:
    """How findings are written. `numbered` recommendations carry numbers, `languages` name those of code blocks."""

    max_points: int | None = None
    numbered: bool = False
    languages: bool = True


PLAIN = Manner()
Operation = Callable[[str, Manner], str]


def processed(text: str, names: Sequence[str], manner: Manner = PLAIN) -> tuple[str, list[str], list[str]]:
    """The text after all operations, those that were applied, and those nobody knows (they change nothing)."""
    applied: list[str] = []
    unknown: list[str] = []
    for name in names:
        operation = OPERATIONS.get(name)
        if operation is None:
            unknown.append(name)
        else:
            text = operation(text, manner)
            applied.append(name)
    return text, applied, unknown


def _with(text: str, title: str, body: str) -> str:
    return f"{text}\n\n## {title}\n\n{body}" if body else text


def _bullets(items: Sequence[str], manner: Manner, *, numbered: bool = False) -> str:
    distinct = list(dict.fromkeys(item for item in items if item))[: manner.max_points or _MOST]
    return "\n".join(f"{index}. {item}" if numbered else f"- {item}" for index, item in enumerate(distinct, start=1))


def _lines(text: str) -> list[str]:
    return text[:_READ].splitlines()


def _code_blocks(text: str, manner: Manner) -> str:
    blocks = code_blocks(text[:_READ])[: manner.max_points or _MOST]
    return _with(
        text,
        "Code blocks",
        "\n\n".join(f"```{language if manner.languages else ''}\n{code}\n```" for language, code in blocks),
    )


def _recommendations(text: str, manner: Manner) -> str:
    lines = [line.strip().removeprefix("- ").removeprefix("* ") for line in _lines(text)]
    found = [line for line in lines if "recommend" in line.lower() or "suggest" in line.lower()]
    return _with(text, "Recommendations", _bullets(found, manner, numbered=manner.numbered))


def _links(text: str, manner: Manner) -> str:
    return _with(text, "Links", _bullets([link.rstrip(".,;:!?") for link in _LINK.findall(text[:_READ])], manner))


def _key_points(text: str, manner: Manner) -> str:
    found = [_item(line) for line in _lines(text) if line[:1] not in (" ", "\t") and is_item(line)]
    return _with(text, "Key points", _bullets(found, manner))


def _item(line: str) -> str:
    stripped = line.strip()
    return stripped[2:].strip() if stripped.startswith(("- ", "* ")) else stripped.partition(".")[2].strip()


def _format_markdown(text: str, _: Manner) -> str:
    """Clean Markdown: a blank line around headings, none twice, no blanks at the ends of lines."""
    lines: list[str] = []
    fenced = False
    for line in (written.rstrip() for written in text.strip().splitlines()):
        fence = line.lstrip().startswith(("```", "~~~"))
        heading = not fenced and not fence and line.startswith("#")
        if heading and lines and lines[-1]:
            lines.append("")
        if line or fenced or (lines and lines[-1]):
            after_heading = not fenced and lines and lines[-1].startswith("#") and line and not heading
            lines += ["", line] if after_heading else [line]
        fenced = fenced != fence
    return "\n".join(lines)


def _generate_summary(text: str, manner: Manner) -> str:
    return _with(text, "Summary", cut(" ".join(sentences(text)[: manner.max_points or 3]), 200))


def _entities(text: str, manner: Manner) -> str:
    """Names: words in capitals that do not merely begin a sentence."""
    found = []
    for match in _ENTITY.finditer(text[:_READ]):
        before = text[max(0, match.start() - 2) : match.start()]
        begins = not before.strip(" \t") or before.rstrip(" \t")[-1:] in ".!?:\n#-*"
        if not begins or " " in match[0]:
            found.append(match[0])
    return _with(text, "Entities", _bullets(found, manner))


def _errors(text: str, manner: Manner) -> str:
    return _with(
        text, "Errors", _bullets([line.strip() for line in _lines(text) if _ERROR.search(line[:2000])], manner)
    )


def _metrics(text: str, manner: Manner) -> str:
    return _with(text, "Metrics", _bullets([match[0] for match in _METRIC.finditer(text[:_READ])], manner))


def _dependencies(text: str, manner: Manner) -> str:
    found: list[str] = []
    for line in _lines(text):
        imported = _IMPORT.match(line[:500])
        if imported is not None:
            found.append(next(group for group in imported.groups() if group))
            continue
        required = _REQUIREMENT.match(line[:500])
        if required is not None:
            found.append(f"{required[1]} {required[2]}")
    return _with(text, "Dependencies", _bullets(found, manner))


OPERATIONS: dict[str, Operation] = {
    "extract_code_blocks": _code_blocks,
    "extract_recommendations": _recommendations,
    "extract_links": _links,
    "extract_key_points": _key_points,
    "format_markdown": _format_markdown,
    "generate_summary": _generate_summary,
    "extract_entities": _entities,
    "extract_errors": _errors,
    "extract_metrics": _metrics,
    "extract_dependencies": _dependencies,
    "trim": lambda text, _: text.strip(),
}


def manner_of(config: dict[str, Any]) -> Manner:
    """The manner an `extraction_config` asks for."""
    wanted = config.get("recommendation_format")
    numbered = wanted in ("numbered", "ordered") or (isinstance(wanted, dict) and bool(wanted.get("include_priority")))
    code = config.get("code_block_processing")
    languages = not (isinstance(code, dict) and code.get("identify_language") is False)
    return Manner(max_points=config.get("max_points"), numbered=numbered, languages=languages)
