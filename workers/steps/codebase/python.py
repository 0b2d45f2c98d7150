"""The outline of a Python file, from its syntax tree. Nothing is imported or run."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator

from workers.steps.codebase.outline import Import, Outline, Symbol

_INTERFACES = frozenset({"Protocol", "ABC", "typing.Protocol", "abc.ABC"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def outline_python(text: str) -> Outline:
    """Functions, classes, imports and exports. A file that does not parse has an `error` and its line counts only."""
    outline = Outline()
    _count_lines(text, outline)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        outline.documented = ast.get_docstring(tree, clean=False) is not None
        for node, parent in _definitions(tree):
            _add(node, parent, outline)
        outline.imports = list(_imports(tree))
        outline.exports = _exports(tree)
        outline.is_script = any(_is_main_guard(node) for node in tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        outline.error = f"{type(error).__name__}: {error}"
    return outline


def _definitions(tree: ast.Module) -> Iterator[tuple[Function | ast.ClassDef, str | None]]:
    """Every function and class with the name of the class around it, in order; also those inside functions."""
    pending: list[tuple[ast.AST, str | None]] = [(tree, None)]
    while pending:
        node, parent = pending.pop()
        if isinstance(node, Function | ast.ClassDef):
            yield node, parent
            parent = node.name if isinstance(node, ast.ClassDef) else None
        below = [(child, parent) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]
        pending.extend(reversed(below))


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


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", node.lineno, tuple(alias.name for alias in node.names), node.level)


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


def _count_lines(text: str, outline: Outline) -> None:
    lines = text.splitlines()
    outline.lines = len(lines)
    outline.blank_lines = sum(1 for line in lines if not line.strip())
    try:
        comments = {
            token.start[0]
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
        }
        outline.comment_lines = len(comments)
    except (tokenize.TokenError, SyntaxError, ValueError):
        outline.comment_lines = sum(1 for line in lines if line.lstrip().startswith("#"))
