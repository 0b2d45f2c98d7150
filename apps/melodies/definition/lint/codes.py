"""The codes of all warnings. They are stable: tools may tell by them what to show."""

from __future__ import annotations

from typing import Final

WARNINGS: Final[dict[str, str]] = {
    "constant_condition": "A condition reads nothing, so it always comes out the same.",
    "long_description": "A description of more than 500 characters, which an editor cuts off.",
    "many_iterations": "A loop of more than 1,000 iterations.",
    "many_parallel": "More than 10 calls of models side by side from one step.",
    "many_tokens": "The prompts and answers are estimated at more than 50,000 tokens.",
    "no_effect": "A field that does nothing where it stands.",
    "not_carried_out": "A field the language names, which is kept and which no run depends on.",
    "outdated_form": "An older form of the language; `melody migrate` rewrites it.",
    "secret": "Something that looks like a key or password, in plain text.",
    "shadowed_timeout": "A timeout of a step that another one always ends before it.",
    "step_name": "A step's name other than a letter followed by letters, digits, _ and -.",
    "unknown_field": "A field nobody knows, in a section that keeps such fields.",
    "unreachable_step": "A step that can never run.",
    "unset_name": "A variable, or a condition of one word, that nothing gives a value.",
    "unused_variable": "A variable that nothing reads.",
    "version_format": "A version other than three numbers with dots: 1.4.0.",
    "workflow_name": "A melody's name other than 1 to 100 letters, digits, _ and -.",
}
"""By code, in a sentence. `docs/language.md` has the same list; a test compares them."""
