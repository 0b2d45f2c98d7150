"""`melody show FILE`: what a document is compiled to. Needs no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from apps.melodies.definition import InvalidDocument, load
from apps.melodies.definition.kinds import known_kinds
from workers.compiler.plan import Plan, compile_plan
from workers.rendering import frontiers, outline

from .terminal import Terminal, file_argument, read

HELP = "show what a document is compiled to"


def arguments(parser: argparse.ArgumentParser) -> None:
    file_argument(parser)
    shapes = parser.add_mutually_exclusive_group(required=True)
    shapes.add_argument("--plan", action="store_true", help="the steps in order, with what they wait for")
    shapes.add_argument("--canvas", action="store_true", help="what would be sent, if each step succeeded")
    shapes.add_argument("--mermaid", action="store_true", help="a flowchart")


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    name, source = read(options["file"])
    try:
        plan = compile_plan(load(source, known_kinds()), known_kinds())
    except InvalidDocument as invalid:
        terminal.refuse(name, invalid.problems)
    if options["plan"]:
        terminal.either(outline.as_table(plan), {"nodes": outline.as_json(plan)})
    elif options["mermaid"]:
        chart = outline.as_mermaid(plan)
        terminal.either(chart, {"mermaid": "\n".join(chart)})
    elif terminal.as_json:
        terminal.json({"parts": [_part_as_json(plan, part) for part in frontiers.parts(plan)]})
    else:
        _canvas(terminal, plan)


def _canvas(terminal: Terminal, plan: Plan) -> None:
    for part in frontiers.parts(plan):
        if part.title:
            terminal.say("", f"{part.title}:")
        for number, frontier in enumerate(part.frontiers, 1):
            terminal.say(f"frontier {number}")
            for canvas in frontier.sent:
                terminal.say(*frontiers.as_lines(plan, canvas, "  "))
            if frontier.carried:
                terminal.say(f"  carried by what was sent before: {', '.join(frontier.carried)}")
    terminal.say("", "A worker takes along what it has time for; that is not sent at all.")


def _part_as_json(plan: Plan, part: frontiers.Part) -> dict[str, Any]:
    return {
        "title": part.title,
        "frontiers": [
            {"sent": [frontiers.as_json(plan, canvas) for canvas in frontier.sent], "carried": frontier.carried}
            for frontier in part.frontiers
        ],
    }
