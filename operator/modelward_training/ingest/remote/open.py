"""From a task's URL to the source behind it, with the credentials that are for it and no others."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelward_contracts.tasks import PROTOCOLS
from modelward_training.outcome import JobError

from . import addresses
from .credentials import Credentials
from .files import Remote
from .web import CONNECT_SECONDS, READ_SECONDS, Web

TRIES = 2
"""Of a request, by each of the two libraries; the Job's own come after, with time between them."""


@dataclass(frozen=True)
class _Asked:
    credentials: Credentials
    local: bool
    scratch: Path


def opened(url: str, credentials: Credentials, local: bool, scratch: Path) -> Remote:
    """`local`: it may be on a loopback or link-local address."""
    protocol = urlsplit(url).scheme
    if protocol not in PROTOCOLS:
        known = ", ".join(f"{name}://" for name in PROTOCOLS)
        raise JobError("InvalidUrl", f"{credentials.place} begins with {protocol or 'no protocol'}: there are {known}")
    if protocol in ("http", "https"):
        return Web(url, credentials, local)
    # Imported here because web servers need none of it, and it is slow to import.
    from .objects import Objects

    make, package = _STORES[protocol]
    if importlib.util.find_spec(package) is None:
        what = f"{protocol}:// needs the Python package {package}"
        raise JobError("PackageMissing", f"{what}: build the training image with it (`pip install {package}`)")
    fs, host = make(_Asked(credentials, local, scratch))
    return Objects(fs, url, host, credentials)


def _s3(asked: _Asked) -> tuple[Any, str]:
    """The process's own environment holds the store's credentials: nothing is left to be looked for."""
    import s3fs

    credentials = asked.credentials
    endpoint = credentials.get("AWS_ENDPOINT_URL_S3") or credentials.get("AWS_ENDPOINT_URL")
    region = credentials.get("AWS_DEFAULT_REGION") or credentials.get("AWS_REGION")
    host = _checked(endpoint, asked.local) if endpoint else "S3"
    # An endpoint of one's own seldom cares; of Amazon's, this one knows where the bucket is.
    client: dict[str, Any] = {"region_name": region or "us-east-1"}
    if authority := credentials.authority():
        file = asked.scratch / "ca.crt"
        file.write_text(authority)
        client["verify"] = str(file)
    fs = s3fs.S3FileSystem(
        **_keys(credentials, endpoint),
        endpoint_url=endpoint,
        client_kwargs=client,
        config_kwargs={
            "retries": {"total_max_attempts": TRIES, "mode": "standard"},
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": READ_SECONDS,
            "ignore_configured_endpoint_urls": True,
            "connector_args": {} if asked.local else {"socket_factory": addresses.guarded_socket},
        },
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    fs.retries = TRIES
    return fs, host


def _keys(credentials: Credentials, endpoint: str | None) -> dict[str, Any]:
    """Without a Secret, or with one that holds nothing but an endpoint: objects that everybody may read."""
    if not credentials.secret or (endpoint and not credentials.get("AWS_ACCESS_KEY_ID")):
        if credentials.get("AWS_SECRET_ACCESS_KEY"):
            credentials.need("AWS_ACCESS_KEY_ID", "beside AWS_SECRET_ACCESS_KEY")
        return {"anon": True}
    return {
        "key": credentials.need("AWS_ACCESS_KEY_ID", "which says who reads"),
        "secret": credentials.need("AWS_SECRET_ACCESS_KEY", "beside AWS_ACCESS_KEY_ID"),
        "token": credentials.get("AWS_SESSION_TOKEN"),
    }


def _checked(endpoint: str, local: bool, key: str = "AWS_ENDPOINT_URL") -> str:
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise JobError("InvalidUrl", f"{key} {endpoint!r} is no URL of a server: write https://host:port", again=True)
    if not local:
        try:
            addresses.look_up(parts.hostname)
        except addresses.AddressRefused as error:
            raise JobError("AddressRefused", f"{key}: {error}") from error
    return parts.netloc


def _gs(asked: _Asked) -> tuple[Any, str]:
    import gcsfs

    credentials = asked.credentials
    account = credentials.get("GOOGLE_SERVICE_ACCOUNT")
    try:
        token = json.loads(account) if account else "anon"
    except ValueError as error:
        what = f"GOOGLE_SERVICE_ACCOUNT of the Secret {credentials.secret} is not the JSON of an account's key"
        raise JobError("InvalidCredentials", f"{what}: {error}", again=True) from error
    return gcsfs.GCSFileSystem(token=token, skip_instance_cache=True, use_listings_cache=False), "Google Cloud Storage"


_CONNECTION = "AZURE_STORAGE_CONNECTION_STRING"
_AZURE = {
    "account_name": "AZURE_STORAGE_ACCOUNT_NAME",
    "account_key": "AZURE_STORAGE_ACCOUNT_KEY",
    "sas_token": "AZURE_STORAGE_SAS_TOKEN",
    "tenant_id": "AZURE_STORAGE_TENANT_ID",
    "client_id": "AZURE_STORAGE_CLIENT_ID",
    "client_secret": "AZURE_STORAGE_CLIENT_SECRET",
}


def _azure(asked: _Asked) -> tuple[Any, str]:
    import adlfs

    why = "which says whose container it is"
    if asked.credentials.secret is None:
        what = f"{asked.credentials.place} needs a Secret in {asked.credentials.named_in}"
        raise JobError("SecretKeyMissing", f"{what} with the key {_AZURE['account_name']}, {why}")
    options = asked.credentials.options({"connection_string": _CONNECTION}) or asked.credentials.options(_AZURE)
    if said := options.get("connection_string"):
        host = _connected_to(said, asked)
    else:
        host = f"the Azure account {asked.credentials.need(_AZURE['account_name'], why)}"
        options["anon"] = len(options) < 2
    fs = adlfs.AzureBlobFileSystem(
        **options,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    return fs, host


def _connected_to(said: str, asked: _Asked) -> str:
    """The host that a connection string names: of Azure's own clouds or of somebody else's server."""
    words = dict(part.partition("=")[::2] for part in said.split(";"))
    account, suffix = words.get("AccountName", ""), words.get("EndpointSuffix", "core.windows.net")
    endpoint = words.get("BlobEndpoint") or f"https://{account}.blob.{suffix}"
    return _checked(endpoint, asked.local, _CONNECTION)


_Make = Callable[[_Asked], tuple[Any, str]]
_STORES: dict[str, tuple[_Make, str]] = {
    "s3": (_s3, "s3fs"),
    **dict.fromkeys(("gs", "gcs"), (_gs, "gcsfs")),
    **dict.fromkeys(("abfs", "abfss", "az"), (_azure, "adlfs")),
}
