"""Melodies, their versions, and the rows a graphical editor works on."""

from __future__ import annotations

from apps.melodies.models.graph import LONGEST_LABEL, ConnectionOrigin, MelodyConnection, MelodyGraph, MelodyStep
from apps.melodies.models.melody import Melody, MelodyStatus, MelodyVersion

__all__ = [
    "LONGEST_LABEL",
    "ConnectionOrigin",
    "Melody",
    "MelodyConnection",
    "MelodyGraph",
    "MelodyStatus",
    "MelodyStep",
    "MelodyVersion",
]
