"""Language models behind one port: a request goes in, an answer comes out, whoever answers.

`calling.ask` is the only door the step kinds use. Beneath it: `request` (what is asked and answered), `errors`,
`prices` with its table, and one module per provider (`mock`, `anthropic_api`, `gemini_api`).
"""
