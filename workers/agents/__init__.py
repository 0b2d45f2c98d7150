"""Agents of other frameworks, run as steps: the port, and the two roads to them (in this process, and over HTTP)."""
