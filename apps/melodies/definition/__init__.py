"""The melody language without any framework: source text in, `Definition` or a list of problems out."""

from __future__ import annotations

from .document import ParsedDocument, parse
from .hashing import canonical, sha256
from .kinds import BodyField, DerivedBody, StepKind, known_kinds, register
from .limits import Limits
from .model import Body, Definition, Edge, Read, Step
from .policies import CachePolicy, RetryPolicy, WorkflowLimits
from .problems import InvalidDocument, Problem
from .validation import load, load_value, validate

__all__ = [
    "Body",
    "BodyField",
    "CachePolicy",
    "Definition",
    "DerivedBody",
    "Edge",
    "InvalidDocument",
    "Limits",
    "ParsedDocument",
    "Problem",
    "Read",
    "RetryPolicy",
    "Step",
    "StepKind",
    "WorkflowLimits",
    "canonical",
    "known_kinds",
    "load",
    "load_value",
    "parse",
    "register",
    "sha256",
    "validate",
]
