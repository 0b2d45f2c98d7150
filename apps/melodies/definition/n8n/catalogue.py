"""Which kinds of nodes have a counterpart, and which."""

from __future__ import annotations

from typing import Final, Literal

from apps.melodies.definition.n8n import outside, translating
from apps.melodies.definition.n8n.model import Node
from apps.melodies.definition.n8n.translating import Translate

TRIGGERS: Final = frozenset({"webhook", "start", "cron", "interval", "manualTrigger", "scheduleTrigger", "chatTrigger"})
LOOPS: Final = frozenset({"splitInBatches"})
IGNORED: Final = frozenset({"stickyNote"})
ROUTES: Final = frozenset({"if", "filter", "switch"})
TEXTS: Final = frozenset({"chainLlm", "agent", "openAi", "anthropic", "googleGemini"})
"""Their answer is a text, whatever the field is called that holds it."""

TRANSLATIONS: Final[dict[str, Translate]] = {
    "set": translating.assigned,
    "if": translating.chosen,
    "filter": translating.chosen,
    "switch": translating.switched,
    "merge": translating.merged,
    "wait": translating.waited,
    "noOp": translating.passes_on,
    "code": translating.programmed,
    "executeWorkflow": translating.nested,
    "respondToWebhook": translating.answered,
    "stopAndError": translating.stopped,
    "httpRequest": outside.called,
    "chainLlm": outside.asked,
    "agent": outside.asked,
    "openAi": outside.asked,
    "anthropic": outside.asked,
    "googleGemini": outside.asked,
    "itemLists": outside.transformed,
    "splitOut": outside.transformed,
    "limit": outside.transformed,
    "sort": outside.transformed,
    "removeDuplicates": outside.transformed,
}

Part = Literal["trigger", "loop", "ignored", "step"]


def part_of(node: Node) -> Part:
    """What a node is in its workflow."""
    if node.kind in IGNORED:
        return "ignored"
    if node.kind in LOOPS:
        return "loop"
    if node.kind in TRIGGERS or node.kind.endswith("Trigger"):
        return "trigger"
    return "step"


def loop_output(node: Node) -> int:
    """Which output of a loop leads to its body: releases have not agreed."""
    return 1 if node.version >= 3 else 0


__all__ = ["IGNORED", "LOOPS", "ROUTES", "TEXTS", "TRANSLATIONS", "TRIGGERS", "loop_output", "part_of"]
