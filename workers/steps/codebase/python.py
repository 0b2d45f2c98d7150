"""The outline of a Python file, from its syntax tree. Nothing is imported or run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from workers.steps.codebase.outline import Import, Outline, Symbol

_INTERFACES = frozenset({"Protocol", "ABC", "typing.Protocol", "abc.ABC"})
_BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def outline_python(text: str) -> Outline:
    """Functions, classes, imports and exports. A file that does not parse has an `error` and its line counts only."""
    outline = Outline()
    lines = text.splitlines()
    outline.lines = len(lines)
    outline.blank_lines = sum(1 for line in lines if not line.strip())
    comments = {number for number, line in enumerate(lines, start=1) if line.lstrip().startswith("#")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        outline.documented = ast.get_docstring(tree, clean=False) is not None
        for node, parent in _statements(tree):
            _add_statement(node, parent, outline)
            if comments and not hasattr(node, "body"):
                comments -= _lines_inside_texts(node, comments)
        outline.docstring_lines += _docstring_lines(tree)
        outline.exports = _exports(tree)
        outline.is_script = any(_is_main_guard(node) for node in tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        outline.error = f"{type(error).__name__}: {error}"
    outline.comment_lines = len(comments)
    return outline


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, str | None]]:
    """Every statement with the name of the class it stands in, in order; also those inside functions."""
    pending: list[tuple[ast.AST, str | None]] = [(node, None) for node in reversed(tree.body)]
    while pending:
        node, parent = pending.pop()
        if isinstance(node, ast.stmt):
            yield node, parent
        if isinstance(node, ast.ClassDef):
            parent = node.name
        elif isinstance(node, Function):
            parent = None
        below = [part for name in _BLOCKS for part in getattr(node, name, ())]
        pending.extend((part, parent) for part in reversed(below))


def _add_statement(node: ast.stmt, parent: str | None, outline: Outline) -> None:
    if isinstance(node, Function | ast.ClassDef):
        _add(node, parent, outline)
        outline.docstring_lines += _docstring_lines(node)
    elif isinstance(node, ast.Import):
        outline.imports.extend(Import(alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        names = tuple(alias.name for alias in node.names)
        outline.imports.append(Import(node.module or "", node.lineno, names, node.level))


def _docstring_lines(node: ast.Module | Function | ast.ClassDef) -> int:
    """Lines of its docstring that are not blank."""
    if ast.get_docstring(node, clean=False) is None:
        return 0
    first = node.body[0]
    text = getattr(getattr(first, "value", None), "value", "")
    blank = sum(1 for line in str(text).splitlines()[1:-1] if not line.strip())
    return (first.end_lineno or first.lineno) - first.lineno + 1 - blank


def _lines_inside_texts(node: ast.stmt, comments: set[int]) -> set[int]:
    """Lines that only look like comments, because they are in the middle of a text."""
    end = node.end_lineno or node.lineno
    if end == node.lineno or not any(node.lineno < line <= end for line in comments):
        return set()
    return {
        line
        for part in ast.walk(node)
        if isinstance(part, ast.Constant | ast.JoinedStr)
        for line in range(part.lineno + 1, (part.end_lineno or part.lineno) + 1)
    }


def _add(node: Function | ast.ClassDef, parent: str | None, outline: Outline) -> None:
    if isinstance(node, ast.ClassDef):
        bases = tuple(ast.unparse(base) for base in node.bases)
        kind, signature = "class", f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}"
    else:
        bases = ()
        word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        signature = f"{word} {node.name}({ast.unparse(node.args)}){returns}"
        kind = "method" if parent else "async_function" if isinstance(node, ast.AsyncFunctionDef) else "function"
    symbol = Symbol(
        name=node.name,
        kind=kind,
        line=node.lineno,
        end_line=node.end_lineno or node.lineno,
        signature=signature[:500],
        public=not node.name.startswith("_") or (node.name.startswith("__") and node.name.endswith("__")),
        decorators=tuple(ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list),
        parent=parent,
        documented=ast.get_docstring(node, clean=False) is not None,
        bases=bases,
    )
    if kind == "class":
        outline.classes.append(symbol)
        if any(base.partition("[")[0] in _INTERFACES for base in bases):
            outline.interfaces.append(symbol)
    else:
        outline.functions.append(symbol)


def _exports(tree: ast.Module) -> list[str]:
    """`__all__` where it is written out, else the public names of the module's top level."""
    names: list[str] = []
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        assigned = [target.id for target in targets if isinstance(target, ast.Name)]
        if "__all__" in assigned and isinstance(node, ast.Assign | ast.AnnAssign):
            items = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else []
            return [item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        if isinstance(node, Function | ast.ClassDef):
            assigned.append(node.name)
        names.extend(name for name in assigned if not name.startswith("_"))
    return names


def _is_main_guard(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Compare)
        and isinstance(node.test.left, ast.Name)
        and node.test.left.id == "__name__"
    )
