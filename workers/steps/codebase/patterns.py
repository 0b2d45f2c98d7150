"""Outlines of Elixir, JavaScript, Rust and Go files, line by line with patterns: good enough to find things, not exact."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

from workers.steps.codebase.outline import Import, Outline, Symbol

LONGEST_LINE = 1000


@dataclass(frozen=True, slots=True)
class Grammar:
    """Patterns that match at the start of a line. `name` is the group with the name, `private` one that means not public."""

    functions: tuple[re.Pattern[str], ...]
    classes: tuple[re.Pattern[str], ...] = ()
    interfaces: tuple[re.Pattern[str], ...] = ()
    modules: tuple[re.Pattern[str], ...] = ()
    imports: tuple[re.Pattern[str], ...] = ()
    comment: str = "//"
    exports: tuple[re.Pattern[str], ...] = ()
    script: re.Pattern[str] | None = None
    public: re.Pattern[str] = field(default_factory=lambda: re.compile(""))


def _all(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


GRAMMARS = {
    "elixir": Grammar(
        functions=_all(r"\s*defp?\s+(?P<name>[a-z_]\w*[?!]?)", r"\s*defmacrop?\s+(?P<name>[a-z_]\w*[?!]?)"),
        classes=_all(r"\s*defstruct\b(?P<name>)"),
        interfaces=_all(r"\s*defprotocol\s+(?P<name>[\w.]+)", r"\s*@callback\s+(?P<name>[a-z_]\w*[?!]?)"),
        modules=_all(r"\s*defmodule\s+(?P<name>[\w.]+)"),
        imports=_all(r"\s*(?:alias|import|use|require)\s+(?P<name>[A-Z][\w.]*)"),
        comment="#",
        exports=_all(r"\s*def\s+(?P<name>[a-z_]\w*[?!]?)"),
        script=re.compile(r"\s*use\s+Application\b"),
        public=re.compile(r"(?!\s*defp\b|\s*defmacrop\b)"),
    ),
    "javascript": Grammar(
        functions=_all(
            r"\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*(?P<name>[A-Za-z_$][\w$]*)",
            r"\s*(?:export\s+)?(?:const|let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:\([^)]*\)|\w+)\s*=>",
        ),
        classes=_all(r"\s*(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\s+(?P<name>[A-Za-z_$][\w$]*)"),
        interfaces=_all(r"\s*(?:export\s+)?interface\s+(?P<name>[A-Za-z_$][\w$]*)"),
        imports=_all(
            r"\s*(?:import|export)\b[^'\"]*\bfrom\s*['\"](?P<name>[^'\"]+)['\"]",
            r"\s*import\s*['\"](?P<name>[^'\"]+)['\"]",
            r"[^'\"]*\brequire\(\s*['\"](?P<name>[^'\"]+)['\"]\s*\)",
        ),
        exports=_all(
            r"\s*export\s+(?:default\s+)?(?:abstract\s+)?(?:async\s+)?"
            r"(?:function\s*\*?|class|const|let|var|interface|type|enum)\s+(?P<name>[A-Za-z_$][\w$]*)",
            r"\s*(?:module\.)?exports\.(?P<name>[A-Za-z_$][\w$]*)\s*=",
        ),
        script=re.compile(r"#!"),
    ),
    "rust": Grammar(
        functions=_all(r"\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+)?(?:async\s+)?(?:unsafe\s+)?fn\s+(?P<name>\w+)"),
        classes=_all(r"\s*(?:pub(?:\([^)]*\))?\s+)?(?:struct|enum|union)\s+(?P<name>\w+)"),
        interfaces=_all(r"\s*(?:pub(?:\([^)]*\))?\s+)?(?:unsafe\s+)?trait\s+(?P<name>\w+)"),
        modules=_all(r"\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(?P<name>\w+)"),
        imports=_all(r"\s*(?:pub(?:\([^)]*\))?\s+)?use\s+(?P<name>[\w:]+)", r"\s*(?:pub\s+)?mod\s+(?P<name>\w+)\s*;"),
        exports=_all(
            r"\s*pub\s+(?:const\s+)?(?:async\s+)?(?:unsafe\s+)?(?:fn|struct|enum|trait|mod|type)\s+(?P<name>\w+)"
        ),
        script=re.compile(r"\s*fn\s+main\s*\("),
        public=re.compile(r"\s*pub\b"),
    ),
    "go": Grammar(
        functions=_all(r"func\s+(?:\([^)]*\)\s*)?(?P<name>\w+)"),
        classes=_all(r"type\s+(?P<name>\w+)\s+struct\b"),
        interfaces=_all(r"type\s+(?P<name>\w+)\s+interface\b"),
        modules=_all(r"package\s+(?P<name>\w+)"),
        imports=_all(r"import\s+(?:[\w.]+\s+)?\"(?P<name>[^\"]+)\"", r"\s+(?:[\w.]+\s+)?\"(?P<name>[\w./-]+)\"\s*$"),
        exports=_all(r"(?:func|type|var|const)\s+(?:\([^)]*\)\s*)?(?P<name>[A-Z]\w*)"),
        script=re.compile(r"func\s+main\s*\("),
        public=re.compile(r"(?:func\s+(?:\([^)]*\)\s*)?|type\s+)[A-Z]"),
    ),
}


def outline_by_patterns(language: str, text: str) -> Outline:
    """The outline of a file in one of the languages in GRAMMARS."""
    grammar = GRAMMARS[language]
    outline = Outline()
    lines = text.splitlines()
    outline.lines = len(lines)
    in_block = False
    for number, line in enumerate(lines, start=1):
        bare = line.strip()
        outline.blank_lines += not bare
        block_starts = grammar.comment == "//" and bare.startswith("/*")
        comment = in_block or block_starts or bare.startswith(grammar.comment)
        in_block = (in_block or block_starts) and "*/" not in bare
        outline.comment_lines += comment
        if comment and number <= 3:
            outline.documented = True
        if not comment and len(line) <= LONGEST_LINE:
            _read_line(grammar, line, number, outline)
        if "@moduledoc" in line and "false" not in line:
            outline.documented = True
    _set_ends(outline)
    outline.functions.sort(key=lambda symbol: symbol.line)
    return outline


def _read_line(grammar: Grammar, line: str, number: int, outline: Outline) -> None:
    public = grammar.public.match(line) is not None
    for kind, patterns, symbols in (
        ("function", grammar.functions, outline.functions),
        ("class", grammar.classes, outline.classes),
        ("interface", grammar.interfaces, outline.interfaces),
        ("module", grammar.modules, outline.modules),
    ):
        if name := _first(patterns, line):
            signature = line.strip().rstrip("{").removesuffix(" do").strip()[:500]
            symbols.append(Symbol(name, kind, number, number, signature, public))
    if name := _first(grammar.imports, line):
        outline.imports.append(Import(name, number))
    if (name := _first(grammar.exports, line)) and name not in outline.exports:
        outline.exports.append(name)
    if grammar.script is not None and grammar.script.match(line):
        outline.is_script = True


def _first(patterns: tuple[re.Pattern[str], ...], line: str) -> str | None:
    for pattern in patterns:
        found = pattern.match(line)
        if found:
            return found.group("name") or None
    return None


def _set_ends(outline: Outline) -> None:
    """A function is taken to end where the next begins."""
    starts = sorted(symbol.line for symbol in [*outline.functions, *outline.classes, *outline.modules])
    following = dict(itertools.pairwise([*starts, outline.lines + 1]))
    outline.functions = [
        Symbol(
            symbol.name,
            symbol.kind,
            symbol.line,
            max(symbol.line, following[symbol.line] - 1),
            symbol.signature,
            symbol.public,
        )
        for symbol in outline.functions
    ]
