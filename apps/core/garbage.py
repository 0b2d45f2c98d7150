"""Python's cyclic garbage collector in processes that stay.

A full collection walks every object there is, and the modules of a process alone are some 200,000 of them: 120 ms or more in
which none of its threads does anything.
"""

from __future__ import annotations

import gc


def spare_what_is_loaded(*, collect: bool = True) -> None:
    """What is there now stays for the life of the process, and no collection looks at it again. Before a process forks it also
    keeps its pages shared. `collect` is false for a child, which has inherited no garbage."""
    if collect:
        gc.collect()
    gc.freeze()
