"""The plain workers' application with a task that calls a model through the same SDK, and with nothing around it."""

from __future__ import annotations

import os
import time

import anthropic

from benchmarks.plain import app as plain

app = plain.app
_client = anthropic.Anthropic(api_key="none", base_url=os.environ["PLAIN_MODEL_URL"], max_retries=0)


@app.task(name="plain.ask")
def ask(model: str, prompt: str) -> None:
    started = time.time()
    with _client.messages.stream(
        model=model, max_tokens=1000, messages=[{"role": "user", "content": prompt}]
    ) as stream:
        stream.get_final_message()
    plain._stamp(started)  # noqa: SLF001 - its own sibling
