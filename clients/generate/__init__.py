"""The Python client out of the OpenAPI schema: `reading` says what there is, `writing` what it is in Python."""
