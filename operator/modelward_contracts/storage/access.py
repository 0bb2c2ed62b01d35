"""How an S3 store is reached. The chart's values say endpoint and region; credentials are where botocore looks for
them: the keys of the namespace's Secret, which are our containers' environment, or the pod's identity in a cloud.
"""

import atexit
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ENDPOINT, REGION = "MODELWARD_STORE_ENDPOINT", "MODELWARD_STORE_REGION"
"""Names of their own: botocore's would hold for sources as well."""
BUNDLE = "AWS_CA_BUNDLE"
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Access:
    endpoint: str | None = None
    """None: AWS's own, or what botocore's variables say."""
    region: str | None = None
    certificates: str | None = None
    """The path of a PEM file with those that the server's is checked with."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Access":
        return cls(
            endpoint=environment.get(ENDPOINT) or environment.get("AWS_ENDPOINT_URL"),
            region=environment.get(REGION) or environment.get("AWS_REGION"),
            certificates=_file(environment.get(BUNDLE)),
        )

    def options(self) -> dict[str, Any]:
        """Of s3fs."""
        client = {"region_name": self.region, "verify": self.certificates}
        return {
            "endpoint_url": self.endpoint,
            "client_kwargs": {name: value for name, value in client.items() if value},
        }

    @property
    def where(self) -> str:
        return self.endpoint or "AWS"


def scrubbed(text: str) -> str:
    """Without credentials, whoever wrote them there."""
    for secret in filter(None, map(os.environ.get, SECRETS)):
        text = text.replace(secret, "…")
    return text


def _file(bundle: str | None) -> str | None:
    """A Secret's key is a variable and no file: the certificates themselves may stand there."""
    if not bundle or "-----BEGIN" not in bundle:
        return bundle or None
    handle, name = tempfile.mkstemp(suffix=".pem", prefix="modelward-")
    with os.fdopen(handle, "w") as file:
        file.write(bundle)
    atexit.register(Path(name).unlink, missing_ok=True)
    return name
