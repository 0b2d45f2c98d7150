"""A server of its own process: `python -m tests.wire anthropic 2.0` answers every call after two seconds.

Prints its address on a line of its own, then serves until its standard input is closed, and prints how many calls were
open at a time at most.
"""

from __future__ import annotations

import sys

from tests.wire import Answer, Slow, anthropic_server, gemini_server


def main() -> None:
    wire, seconds = sys.argv[1], float(sys.argv[2])
    with anthropic_server() if wire == "anthropic" else gemini_server() as server:
        server.script(Slow(Answer("A short answer from afar."), first=seconds))
        print(server.url, flush=True)
        sys.stdin.read()
        print(server.most_open, flush=True)


if __name__ == "__main__":
    main()
