"""All step kinds. Importing this package registers them, in this order."""

from workers.steps import (
    checkpoint,
    codebase_query,
    data_transform,
    file_ops,
    for_loop,
    set_variable,
    simulate,
    switch,
    test_echo,
    wait,
)

__all__ = [
    "checkpoint",
    "codebase_query",
    "data_transform",
    "file_ops",
    "for_loop",
    "set_variable",
    "simulate",
    "switch",
    "test_echo",
    "wait",
]
