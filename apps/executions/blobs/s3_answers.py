"""What an S3 service means by its errors. Only codes are told further: its messages name keys."""

from __future__ import annotations

from typing import Any, Final

from apps.executions.errors import StoreUnavailable

TAKEN: Final = frozenset({"PreconditionFailed", "412"})
NO_CONDITION: Final = frozenset({"NotImplemented", "501"})
BROKEN: Final = frozenset({"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch",
                           "IncompleteBody", "ConditionalRequestConflict", "409"})  # fmt: skip
"""Other bytes came than were sent, or somebody stores the same in this moment: worth another try."""
_MISSING: Final = frozenset({"NoSuchKey", "404"})
_ADVICE: Final = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": "the credentials do not allow it",
    "403": "the credentials do not allow it",
    "InvalidAccessKeyId": "the service does not know the access key",
    "SignatureDoesNotMatch": "the secret key is wrong, or the clock",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "NoCredentialsError": "there are no credentials",
    "PartialCredentialsError": "the credentials are incomplete",
    "EndpointConnectionError": "nobody answers at the endpoint",
    "ConnectTimeoutError": "nobody answers at the endpoint",
    "ReadTimeoutError": "the service is too slow",
    "SlowDown": "the service is overloaded",
    "PermanentRedirect": "the bucket is in another region",
    "TruncatedBody": "the answer breaks off each time",
}


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))[:60]


def is_missing(error: Any) -> bool:
    return code_of(error) in _MISSING


def unavailable(operation: str, code: str) -> StoreUnavailable:
    """The error as people are told it, and with the code for machines."""
    advice = f": {_ADVICE[code]}" if code in _ADVICE else ""
    return StoreUnavailable(f"The artifact store does not work ({operation}, {code}){advice}.", reason=code)
