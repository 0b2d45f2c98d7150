"""Prompts: what their parts are (`parts`), which steps they read (`references`), and the text they become (`build`)."""
