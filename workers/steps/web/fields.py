"""The fields of an `http` step."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from workers.steps.fields import OrTemplate, Params, TemplatedBool, require
from workers.steps.web.secrets import check_placeholders

Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
IDEMPOTENT: frozenset[str] = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
MOST_BYTES = 64 << 20
MANAGED = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})
"""Headers that say how the message itself travels; they are set by what sends it."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_STATUS = re.compile(r"[1-5](\d\d|xx)\Z")


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) and "{{" not in value else value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else [value]


def _status_text(value: Any) -> Any:
    return [str(item).lower() for item in _listed(value)] if value is not None else None


class Auth(Params):
    """Who is calling."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["bearer", "basic"] = Field(description="How the call proves who it is.")
    token: str | None = Field(None, description="For bearer; `{{secrets.NAME}}`.")
    username: str | None = Field(None, description="For basic.")
    password: str | None = Field(None, description="For basic; `{{secrets.NAME}}`.")

    @model_validator(mode="after")
    def _complete(self) -> Auth:
        if self.type == "bearer":
            require(self.token, "`token` is missing: bearer needs one, best as `{{secrets.NAME}}`")
        else:
            require(self.username is not None and self.password is not None, "basic needs `username` and `password`")
        return self


class Http(Params):
    """What to ask, and what to make of the answer."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=8000, description="An http or https address.")
    method: Annotated[Method, OrTemplate(), BeforeValidator(_upper)] = Field("GET", description="The method.")
    headers: dict[str, str | int | float | bool | None] = Field(default_factory=dict, description="Sent along.")
    secret_headers: dict[str, str] = Field(
        default_factory=dict,
        description="Headers with `{{secrets.NAME}}`, filled in when the call is made and recorded nowhere.",
    )
    query: dict[str, Any] = Field(
        default_factory=dict, description="Added to the address; a list is sent item by item."
    )
    secret_query: dict[str, str] = Field(default_factory=dict, description="As `secret_headers`, in the address.")
    json_body: Any = Field(None, alias="json", description="The body, as JSON.")
    body: Any = Field(None, description="The body, as text; anything else is sent as JSON.")
    form: dict[str, Any] | None = Field(None, description="The body, as a form.")
    auth: Auth | None = Field(None, description="`{type: bearer, token}` or `{type: basic, username, password}`.")
    expect_status: Annotated[
        list[str] | None,
        BeforeValidator(_status_text, json_schema_input_type=int | str | list[int | str] | None),
    ] = Field(None, description="Which statuses are a success: 200, `2xx`, or a list of them; by default 2xx.")
    response_format: Annotated[Literal["auto", "json", "text", "bytes"], OrTemplate()] = Field(
        "auto", description="How to read the answer. auto goes by its type; bytes keeps it as an artifact."
    )
    artifact_name: str | None = Field(None, max_length=200, description="The name of that artifact.")
    max_response_bytes: Annotated[int, Field(ge=1, le=MOST_BYTES), OrTemplate()] = Field(
        10 << 20, description="A longer answer is an error; at most 64 MB."
    )
    follow_redirects: TemplatedBool = Field(True, description="Follow up to 10 redirects; each is checked anew.")
    retry_non_idempotent: TemplatedBool = Field(
        False, description="Also try POST and PATCH again after a server error or a timeout."
    )
    idempotency_key: str | bool | None = Field(
        None, description="The `Idempotency-Key` of POST and PATCH: by default one that stays the same in each attempt."
    )

    @model_validator(mode="after")
    def _sound(self) -> Http:
        bodies = [name for name in ("json", "body", "form") if self.given(name)]
        require(len(bodies) <= 1, f"give one of `json`, `body` and `form`, not {' and '.join(bodies)}")
        for name in (*self.headers, *self.secret_headers):
            require(_HEADER_NAME.match(name), f"{name[:80]!r} cannot name a header")
            require(name.lower() not in MANAGED, f"the header {name} is set by the call itself")
        for field in ("secret_headers", "secret_query"):
            for name, value in getattr(self, field).items():
                check_placeholders(value, f"{field}.{name}")
        if self.auth is not None:
            for name in ("token", "username", "password"):
                check_placeholders(getattr(self.auth, name) or "", f"auth.{name}")
        for status in self.expect_status or ():
            require("{{" in status or _STATUS.match(status), f"{status[:20]!r} is no status; write 200 or 2xx")
        return self

    def given(self, field: str) -> bool:
        """Whether a body was written in this form."""
        return getattr(self, "json_body" if field == "json" else field) is not None

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice does no harm."""
        return self.method in IDEMPOTENT or bool(self.retry_non_idempotent)
