"""Melodies, their versions, and the rows a graphical editor works on."""

from __future__ import annotations

from apps.melodies.models.comment import LONGEST_COMMENT, CommentMention, MelodyComment
from apps.melodies.models.graph import LONGEST_LABEL, ConnectionOrigin, MelodyConnection, MelodyGraph, MelodyStep
from apps.melodies.models.melody import (
    LONGEST_EXTENSION,
    LONGEST_SUMMARY,
    MOST_EXTENSIONS,
    CreationSource,
    Melody,
    MelodyStatus,
    MelodyVersion,
    PricingTier,
)
from apps.melodies.models.template import (
    LONGEST_CATEGORY,
    LONGEST_ICON,
    LONGEST_TEMPLATE_NAME,
    MelodyTemplate,
)

__all__ = [
    "LONGEST_CATEGORY",
    "LONGEST_COMMENT",
    "LONGEST_EXTENSION",
    "LONGEST_ICON",
    "LONGEST_LABEL",
    "LONGEST_SUMMARY",
    "LONGEST_TEMPLATE_NAME",
    "MOST_EXTENSIONS",
    "CommentMention",
    "ConnectionOrigin",
    "CreationSource",
    "Melody",
    "MelodyComment",
    "MelodyConnection",
    "MelodyGraph",
    "MelodyStatus",
    "MelodyStep",
    "MelodyTemplate",
    "MelodyVersion",
    "PricingTier",
]
