"""What the server offers. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations
