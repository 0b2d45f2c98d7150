"""From tokens to the syntax tree: a Pratt parser.

Precedence from loose to tight: `? :`, or, and, not, comparisons, `+ -`, `* / %`, unary `- !`, paths and calls.
"""

from __future__ import annotations

import difflib
from typing import Final

from apps.melodies.definition.expressions.calls import checked_call
from apps.melodies.definition.expressions.environment import parts_of
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.function_table import PER_ITEM_USAGE
from apps.melodies.definition.expressions.limits import MAX_DEPTH
from apps.melodies.definition.expressions.nodes import (
    EACH,
    Between,
    Call,
    Chain,
    Check,
    Choice,
    Compare,
    Each,
    Environment,
    Item,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Negative,
    Node,
    Not,
    Path,
    PerItem,
    Text,
)
from apps.melodies.definition.expressions.scope import LOOP_FIELDS
from apps.melodies.definition.expressions.tokens import Token, may_hold_templates, split_template, tokenize, unquote

CHOICE, OR, AND, NOT, COMPARE, SUM, PRODUCT, UNARY = range(1, 9)

_COMPARISONS: Final = {
    *("contains", "matches", "starts_with", "ends_with", "in", "not_in", "between", "exists", "empty", "any", "all"),
}
_POWER: Final = {
    "?": CHOICE,
    "or": OR,
    "||": OR,
    "and": AND,
    "&&": AND,
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">=", *_COMPARISONS), COMPARE),
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "/": PRODUCT,
    "%": PRODUCT,
}
_CONSTANTS: Final = {"true": True, "false": False, "null": None, "nil": None}
_MAX_DIGITS: Final = 300

Segment = str | int | Each | Node


def parse(text: str, depth: int = 0, base: int = 0) -> Node:
    """The tree of an expression without its braces. Positions count from `base`."""
    return _Parser(text, depth, base).whole()


def parse_steps_path(step: str, tail: str, offset: int) -> Node:
    """The tree of `steps.STEP` followed by a written path such as `.a.b[0]`, for the old ways to name a result."""
    parser = _Parser(tail, 0, 0)
    segments = parser.segments()
    parser.expect_end()
    return Path(Name("steps", offset), (step, *segments))


class _Parser:
    def __init__(self, text: str, depth: int, base: int) -> None:
        self.tokens = tokenize(text, base)
        self.index = 0
        self.token = self.tokens[0]
        self.depth = depth

    def advance(self) -> Token:
        """The token at hand; the next one is at hand then. After the last one nothing follows."""
        token = self.token
        if token.kind != "end":
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    @property
    def following(self) -> Token:
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)]

    def at(self, operator: str) -> bool:
        return self.token.kind == "op" and self.token.text == operator

    def expect(self, operator: str, why: str) -> Token:
        if not self.at(operator):
            raise self.unexpected(f"'{operator}' is missing {why}")
        return self.advance()

    def unexpected(self, what: str) -> ExpressionError:
        found = "the end" if self.token.kind == "end" else repr(self.token.text)
        return ExpressionError(f"{what}, found {found}", self.token.position)

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise ExpressionError("The expression is empty; write a name or a value", self.token.position)
        node = self.expression()
        self.expect_end()
        return node

    def expect_end(self) -> None:
        token = self.token
        if token.kind == "end":
            return
        error = self.unexpected("An operator or the end is missing here")
        if token.kind == "name":
            near = difflib.get_close_matches(token.text.lower(), [*_COMPARISONS, "and", "or", "not"], 1)
            hint = f"; did you mean '{near[0]}'?" if near else "; put quotes around texts"
            error = ExpressionError(f"{error.message}{hint}", token.position)
        raise error

    def expression(self, power: int = 0) -> Node:
        """An expression whose operators bind at least as tightly as `power`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"The expression nests deeper than {MAX_DEPTH} levels", self.token.position)
        left = self.prefix()
        while (binding := _POWER.get(self.infix_operator(), 0)) and binding >= power:
            left = self.infix(left, binding)
        self.depth -= 1
        return left

    def infix_operator(self) -> str:
        """The operator at this place; "" when there is none. `not` before a comparison word belongs to that word."""
        token = self.token
        if token.kind not in ("op", "name"):
            return ""
        if token.text == "not" and self.following.text in _COMPARISONS:
            return self.following.text
        return token.text

    def infix(self, left: Node, binding: int) -> Node:
        if binding == CHOICE:
            return self.choice(left)
        if binding in (AND, OR):
            return self.logic(left, binding)
        if binding == COMPARE:
            return self.comparison(left)
        rest: list[tuple[str, Node, int]] = []
        while _POWER.get(self.infix_operator()) == binding:
            operator = self.advance()
            rest.append((operator.text, self.expression(binding + 1), operator.position))
        return Chain(left, tuple(rest))

    def choice(self, condition: Node) -> Node:
        self.advance()
        then = self.expression()
        self.expect(":", "between the two outcomes of '? :'")
        return Choice(condition, then, self.expression(CHOICE))

    def logic(self, first: Node, binding: int) -> Node:
        operands = [first]
        while _POWER.get(self.infix_operator()) == binding:
            self.advance()
            operands.append(self.expression(binding + 1))
        return Logic("and" if binding == AND else "or", tuple(operands))

    def comparison(self, left: Node) -> Node:
        negated = self.token.text == "not"
        if negated:
            self.advance()
        operator = self.advance().text
        node: Node
        if operator in ("exists", "empty"):
            node = Check(operator, left)
        elif operator == "between":
            low = self.expression(SUM)
            if self.token.text not in ("and", "&&"):
                raise self.unexpected("'and' is missing after the lower bound of 'between'")
            self.advance()
            node = Between(left, low, self.expression(SUM))
        elif operator in ("any", "all"):
            node = self.quantified(operator, left)
        else:
            node = Compare(operator, left, self.expression(SUM))
        if _POWER.get(self.infix_operator()) == COMPARE:
            raise self.unexpected("Comparisons cannot be chained; join them with 'and' or use parentheses")
        return Not(node) if negated else node

    def quantified(self, operator: str, left: Node) -> Node:
        """`list any 'condition'`; without quotes, `list any other` asks which items of the other list are in this one."""
        position = self.token.position
        if self.token.kind == "string":
            return Call(operator, (left, PerItem(self.quoted_expression(self.advance()))), position)
        return Call(operator, (self.expression(SUM), PerItem(Compare("in", Item(), left))), position)

    def prefix(self) -> Node:
        token = self.token
        if token.kind == "op" and token.text == "-":
            self.advance()
            operand = self.expression(UNARY)
            if isinstance(operand, Literal) and type(operand.value) in (int, float):
                return Literal(-operand.value)
            return Negative(operand, token.position)
        if token.kind == "op" and token.text == "!":
            self.advance()
            return Not(self.expression(UNARY))
        if token.kind == "name" and token.text == "not" and self.tokens[self.index + 1].text != ".":
            self.advance()
            return Not(self.expression(NOT))
        if token.kind == "old":
            return self.previous_response()
        base = self.primary()
        segments = self.segments()
        if segments and isinstance(base, Name) and base.name == "steps" and not isinstance(segments[0], (str, int)):
            raise ExpressionError("The name of the step must be fixed: steps.NAME or steps['NAME']", base.position)
        return Path(base, segments) if segments or isinstance(base, Name) else base

    def previous_response(self) -> Node:
        """`previous_response:STEP.path` or `previous_response:STEP:path`, the old way to write `steps.STEP.path`."""
        root = Name("steps", self.advance().position)
        step = self.advance()
        fields: tuple[Segment, ...] = (step.text,)
        colon, field = self.token, self.following
        glued = colon.position == step.position + len(step.text) and field.position == colon.position + 1
        if colon.text == ":" and field.kind == "name" and glued:
            self.advance()
            fields = (step.text, self.advance().text)
        return Path(root, fields + self.segments())

    def primary(self) -> Node:
        token = self.advance()
        if token.kind == "number":
            return Literal(_number(token))
        if token.kind == "string":
            return self.quoted(token)
        if token.kind == "name":
            return self.named(token)
        if token.kind == "environment":
            return Environment(*parts_of(token.text), token.position)
        if token.text == "@":
            return Item()
        if token.text == "(":
            node = self.expression()
            self.expect(")", "at the end of the parenthesis")
            return node
        if token.text == "[":
            return ListOf(tuple(self.items("]")))
        if token.text == "{":
            return self.braces()
        self.token = token
        raise self.unexpected("A value or a name is missing here")

    def named(self, token: Token) -> Node:
        if self.at("("):
            self.advance()
            return self.call(token)
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text])
        if token.text in ("and", "or"):
            raise ExpressionError(f"'{token.text}' needs a value on its left", token.position)
        return Name(token.text, token.position)

    def call(self, name: Token) -> Node:
        if name.text not in PER_ITEM_USAGE:
            return checked_call(Call(name.text, tuple(self.items(")")), name.position))
        arguments: list[Node] = []
        while not self.at(")"):
            if len(arguments) == 1 and self.token.kind == "string" and self.tokens[self.index + 1].text == ")":
                arguments.append(PerItem(self.quoted_expression(self.advance())))
            else:
                argument = self.expression()
                arguments.append(PerItem(argument) if arguments else argument)
            if not self.at(")"):
                self.expect(",", "between the arguments")
        self.advance()
        return checked_call(Call(name.text, tuple(arguments), name.position))

    def quoted_expression(self, token: Token) -> Node:
        """A condition that is written as a text, like the second argument of any(list, 'score > 3')."""
        return parse(unquote(token.text), self.depth, token.position + 1)

    def quoted(self, token: Token) -> Node:
        text = unquote(token.text)
        if not may_hold_templates(text):
            return Literal(text)
        base = token.position + 1
        parts = split_template(text, strict=False)
        return Text(tuple(part if isinstance(part, str) else self.embedded(*part, base) for part in parts))

    def embedded(self, text: str, offset: int, base: int) -> Node:
        """The expression of a `{{...}}` inside quotes."""
        return parse(text, self.depth, base + offset)

    def items(self, closing: str) -> list[Node]:
        nodes: list[Node] = []
        while not self.at(closing):
            nodes.append(self.expression())
            if not self.at(closing):
                self.expect(",", f"or '{closing}' after the value")
        self.advance()
        return nodes

    def braces(self) -> Node:
        """A map `{name: value}`, or `{{ expression }}` inside a larger expression, which works like a parenthesis."""
        if self.at("{"):
            self.advance()
            node = self.expression()
            self.expect("}", "to close '{{'")
            self.expect("}", "to close '{{'")
            return node
        entries: list[tuple[str, Node]] = []
        while not self.at("}"):
            key = self.advance()
            if key.kind not in ("name", "string", "number"):
                raise ExpressionError("A map needs names as keys: {name: value}", key.position)
            self.expect(":", "after the key")
            entries.append((unquote(key.text) if key.kind == "string" else key.text, self.expression()))
            if not self.at("}"):
                self.expect(",", "or '}' after the value")
        self.advance()
        return MapOf(tuple(entries))

    def segments(self) -> tuple[Segment, ...]:
        found: list[Segment] = []
        while self.at(".") or self.at("["):
            if self.advance().text == ".":
                field = self.advance()
                self.refuse_glued_minus(field)
                found.append(field.text)
            else:
                found.append(self.index_segment())
        return tuple(found)

    def refuse_glued_minus(self, field: Token) -> None:
        """`loop.index-1` would silently be a name nobody has."""
        head, minus, _ = field.text.partition("-")
        root = self.tokens[self.index - 3] if self.index >= 3 else None
        if minus and head in LOOP_FIELDS and root is not None and root.text == "loop":
            message = f"'{field.text}' reads as one name; put spaces around the minus to subtract"
            raise ExpressionError(message, field.position)

    def index_segment(self) -> Segment:
        if self.at("*"):
            self.advance()
            self.expect("]", "after '[*'")
            return EACH
        node = self.expression()
        self.expect("]", "at the end of the index")
        if isinstance(node, Literal) and type(node.value) in (int, str):
            return node.value  # type: ignore[no-any-return]
        return node


def _number(token: Token) -> int | float:
    if len(token.text) > _MAX_DIGITS:
        raise ExpressionError(f"The number has more than {_MAX_DIGITS} digits", token.position)
    if token.text.isdecimal():
        return int(token.text)
    number = float(token.text)
    if number == float("inf"):
        raise ExpressionError("The number is too large", token.position)
    return number
