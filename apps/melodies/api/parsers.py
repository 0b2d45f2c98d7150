"""A request body that is a document: taken as bytes, for the definition reads it and knows where its errors are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps.core.errors import TooLarge, UnsupportedMedia
from apps.melodies.definition.limits import DEFAULT
from apps.melodies.services import Media

MAX_BYTES: Final = DEFAULT.max_bytes


@dataclass(frozen=True, slots=True)
class SentDocument:
    source: bytes
    media: Media


class _DocumentParser(BaseParser):
    media: Media = "yaml"

    def parse(  # type: ignore[override]  # DRF takes whatever a parser gives
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> SentDocument:
        source = stream.read(MAX_BYTES + 1)
        if len(source) > MAX_BYTES:
            raise _too_large()
        return SentDocument(source, self.media)


class YamlParser(_DocumentParser):
    media_type = "application/yaml"


class XYamlParser(_DocumentParser):
    media_type = "application/x-yaml"


class TextYamlParser(_DocumentParser):
    media_type = "text/yaml"


class JsonDocumentParser(_DocumentParser):
    media_type = "application/json"
    media = "json"


DOCUMENT_PARSERS: Final = [YamlParser, JsonDocumentParser, TextYamlParser, XYamlParser]


def sent_document(request: Request) -> SentDocument:
    """The document of a request whose view has `DOCUMENT_PARSERS`. Too large a body is refused before it is read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        raise _too_large()
    try:
        data: Any = request.data
    except UnsupportedMediaType:
        raise UnsupportedMedia(
            f"A melody is sent as application/yaml or application/json, not as {request.content_type}; with curl: "
            "-H 'Content-Type: application/yaml' --data-binary @melody.yaml"
        ) from None
    # An empty body reaches no parser.
    return data if isinstance(data, SentDocument) else SentDocument(b"", "yaml")


def _too_large() -> TooLarge:
    return TooLarge(f"A melody is at most {MAX_BYTES:,} bytes long.")
