"""What the servers here never say: its code alone decides what a person is told."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from modelward_contracts.storage.access import Access
from modelward_contracts.storage.errors import StoreDenied, StoreFull, StoreUnavailable
from modelward_contracts.storage.s3_errors import explained, passes

AWS = Access(region="eu-1")


def answered(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "the server's words"}}, "PutObject")


@pytest.mark.parametrize(
    ("code", "kind", "part"),
    [
        ("AccessDenied", StoreDenied, "access to ns/key is forbidden: allow s3:GetObject, s3:PutObject"),
        ("403", StoreDenied, "access to ns/key is forbidden"),
        ("ExpiredToken", StoreDenied, "the credentials have expired: renew them"),
        ("PermanentRedirect", StoreDenied, "it lies in another region: correct the chart's store.region"),
        ("RequestTimeTooSkewed", StoreUnavailable, "clock"),
        ("QuotaExceeded", StoreFull, "it is full"),
        ("SlowDown", StoreUnavailable, "it cannot answer now for ns/key"),
        ("SomethingNew", StoreUnavailable, "ns/key cannot be read or written"),
    ],
)
def test_code_decides_what_is_told(code: str, kind: type[Exception], part: str) -> None:
    told = explained(answered(code), "models", "ns/key", AWS)
    assert type(told) is kind
    assert str(told).startswith("the store's bucket models at AWS: ")
    assert part in str(told)
    assert "the server's words" in str(told)


def test_only_what_may_pass_is_waited_for() -> None:
    away = EndpointConnectionError(endpoint_url="http://x")
    assert all(map(passes, [away, ReadTimeoutError(endpoint_url="http://x"), answered("SlowDown"), answered("503")]))
    assert not any(map(passes, map(answered, ["AccessDenied", "NoSuchBucket", "SignatureDoesNotMatch", "404"])))


def test_credentials_are_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "words")
    assert "words" not in str(explained(answered("AccessDenied"), "models", "key", AWS))
