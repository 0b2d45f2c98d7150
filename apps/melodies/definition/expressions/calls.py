"""Whether a call can be meant at all: the function exists and takes as many arguments."""

from __future__ import annotations

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.functions import FUNCTIONS, PER_ITEM_USAGE
from apps.melodies.definition.expressions.nodes import Call
from apps.melodies.definition.expressions.suggestions import unknown_function


def checked_call(node: Call) -> Call:
    """The call itself; an ExpressionError when it is none."""
    if node.name in PER_ITEM_USAGE:
        usage, low, high = PER_ITEM_USAGE[node.name], 2 if node.name in ("filter", "map") else 1, 2
    else:
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise unknown_function(node.name, node.position)
        usage, low, high = function.usage, function.low, function.high
    if low <= len(node.arguments) <= high:
        return node
    wanted = str(low) if low == high else f"{low} or more" if high > 100 else f"{low} to {high}"
    noun = "argument" if wanted == "1" else "arguments"
    raise ExpressionError(f"{node.name} takes {wanted} {noun}, got {len(node.arguments)}: {usage}", node.position)
