"""What a source says of the object store that its files are in."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from analyticspro.connectors.declaration import Declared

__all__ = ["SCHEME", "ObjectStore", "split"]

SCHEME = "s3://"
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("is no address of a store; write one such as https://s3.example.com")
    return text.rstrip("/")


def split(path: str) -> tuple[str, str]:
    """Return the bucket and the pattern of keys that `path` names.

    >>> split("s3://exports/2026/*.csv.gz")
    ('exports', '2026/*.csv.gz')
    """
    bucket, _, pattern = path.removeprefix(SCHEME).partition("/")
    return bucket, pattern


class ObjectStore(Declared):
    """An S3-compatible store, and who asks. Nothing of it is taken from the environment.

    Attributes:
        endpoint: Amazon's for the region, if it is left out.
        access_key_id, secret_access_key: Names of secrets, kept by `analyticspro secrets set`;
            without both the store is asked anonymously.
        addressing: Whether the bucket stands in the path or before the host.
        allow_http: Whether to speak plain http with another machine.
    """

    endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,60}$")] = "us-east-1"
    access_key_id: SecretName | None = None
    secret_access_key: SecretName | None = None
    addressing: Literal["path", "virtual"] = "path"
    allow_http: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("needs both access_key_id and secret_access_key, or none of them")
        parts = urlsplit(self.url)
        if parts.username is not None:
            raise ValueError("endpoint holds a user or a password, which sources.toml must not")
        if parts.scheme == "http" and not (self.allow_http or self._is_here(parts.hostname)):
            raise ValueError(
                "endpoint is not encrypted: whoever stands between could read the data. Write "
                "https://, or allow_http = true if you accept that"
            )
        return self

    @staticmethod
    def _is_here(host: str | None) -> bool:
        return host in ("localhost", "127.0.0.1", "::1")

    @property
    def url(self) -> str:
        """Where the store is."""
        return self.endpoint or f"https://s3.{self.region}.amazonaws.com"
