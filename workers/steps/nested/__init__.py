"""Nested melodies: how they may be configured, how deep they may go, and what comes out of them."""
