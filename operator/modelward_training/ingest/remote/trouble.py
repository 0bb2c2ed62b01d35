"""What went wrong on the way to a source, in one sentence, and whether it may pass by itself.

Of the world's doing, tried again with backoff: HostNotFound, ConnectionRefused, SourceTimeout, SourceUnavailable,
SourceChanged. For somebody to mend who need not touch the Dataset, tried again later: AccessDenied, SecretKeyMissing,
SecretForOtherHost, CertificateNotTrusted. By the Dataset's own words, and not tried again: SourceNotFound, UrlExpired,
AddressRefused, InvalidUrl, PackageMissing.
"""

import errno
import socket
import ssl
from collections.abc import Iterator

from modelward_training.outcome import JobError

from .addresses import AddressRefused
from .credentials import CA, SECRET_NAME

_NOBODY = "there is no access key of the id in AWS_ACCESS_KEY_ID"
_WRONG = {
    "InvalidAccessKeyId": _NOBODY,
    "XAdminUserNotFound": _NOBODY,  # as versitygw has it
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY is not the secret of the access key in AWS_ACCESS_KEY_ID",
    "ExpiredToken": "AWS_SESSION_TOKEN has expired",
    "InvalidToken": "AWS_SESSION_TOKEN is not valid",
    "RequestTimeTooSkewed": "its clock and that of this node differ too much",
}
_MISSING = {"NoSuchKey", "404", "NoSuchVersion"}
_ELSEWHERE = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}


def told(error: BaseException, what: str, host: str, secret: str | None, field: str = SECRET_NAME) -> JobError:
    """`what`: the file or the listing that was asked for, as a person would name it; `host`: of whom; `field`: where
    the Secret is named."""
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, JobError):
            return each
        if isinstance(each, AddressRefused):
            return JobError("AddressRefused", f"{what}: {each}")
        if answer := _answer(each):
            return _answered(*answer, each, what, host, secret)
        if http := _status(each):
            return _answered(str(http), http, each, what, host, secret)
    for each in chain:
        if found := _unreached(each, what, host, field):
            return found
    return JobError("SourceUnavailable", f"{what}: reading from {host} failed: {_words(error)}", True)


def is_full(error: BaseException) -> bool:
    """The volume that it is written to is full."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def denied(what: str, host: str, said: str, secret: str | None, field: str = SECRET_NAME) -> JobError:
    """Credentials are not the resource's fault: they are tried again later, and no account gets locked."""
    by = f"with the keys of the Secret {secret}" if secret else f"without credentials ({field} names none)"
    return JobError("AccessDenied", f"{what}: {host} refused to answer {by}: {said}", again=True)


def status(code: int, what: str, host: str) -> JobError:
    return JobError("SourceUnavailable", f"{what}: {host} answered {code}", True)


def _answered(code: str, http: int, error: BaseException, what: str, host: str, secret: str | None) -> JobError:
    """By a code of S3, and of HTTP where that one is of somebody's own."""
    if code == "NoSuchBucket":
        return JobError("SourceNotFound", f"{what}: {host} has no such bucket")
    if code in _MISSING:
        return JobError("SourceNotFound", f"{what}: {host} has no such file")
    if code in _WRONG or http in (401, 403):
        return denied(what, host, _WRONG.get(code, _words(error) if code.isdecimal() else code), secret)
    if code == "PreconditionFailed":
        return JobError("SourceChanged", f"{what} was changed while it was read: it is read again", True)
    if code in _ELSEWHERE:
        hint = "add AWS_DEFAULT_REGION, the bucket's region, to the Secret"
        return JobError("WrongRegion", f"{what}: {host} says that the bucket is in another region: {hint}", again=True)
    own_fault = 400 <= http < 500 and http not in (408, 425, 429)
    said = f"{what}: {host} answered {code}: {_words(error)}"
    return JobError("SourceUnavailable", said, retryable=not own_fault, again=True)


def _unreached(error: BaseException, what: str, host: str, field: str) -> JobError | None:
    match error:
        case ssl.SSLCertVerificationError():
            hint = f"put the authority's certificate into the Secret of {field} as {CA}"
            inner = getattr(error, "certificate_error", error)  # aiohttp has one of its own around it
            why = f"the certificate of {host} is not trusted ({getattr(inner, 'verify_message', inner)})"
            return JobError("CertificateNotTrusted", f"{what}: {why}: {hint}", again=True)
        case FileNotFoundError():
            return JobError("SourceNotFound", f"{what}: {host} has no such bucket or file")
        case socket.gaierror():
            return JobError("HostNotFound", f"{what}: there is no host {host}: {error.strerror}", True)
        case ConnectionRefusedError():
            return JobError("ConnectionRefused", f"{what}: nothing listens at {host}: connection refused", True)
        case TimeoutError():
            return JobError("SourceTimeout", f"{what}: {host} did not answer in time", True)
        case ssl.SSLError():
            return JobError("SourceUnavailable", f"{what}: {host} does not speak TLS as we do: {error.reason}", True)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it; libraries wrap each other's in several ways."""
    seen: list[BaseException] = []
    left: list[object] = [error]
    while left:
        each = left.pop(0)
        if not isinstance(each, BaseException) or each in seen:
            continue
        seen.append(each)
        yield each
        wrapped = getattr(each, "kwargs", None)
        inner = wrapped.get("error") if isinstance(wrapped, dict) else None
        left += [inner, getattr(each, "os_error", None), getattr(each, "certificate_error", None)]
        left += [each.__cause__, each.__context__]


def _answer(error: BaseException) -> tuple[str, int] | None:
    """The codes of S3 and of HTTP that a server answered with."""
    answer = getattr(error, "response", None)
    if not isinstance(answer, dict) or "Error" not in answer:
        return None
    return str(answer["Error"].get("Code", "")), int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _status(error: BaseException) -> int | None:
    """Of HTTP, as Azure's and Google's libraries have it."""
    if isinstance(error, OSError) and str(error).startswith("Forbidden:"):
        return 403  # of gcsfs, which keeps no code of it
    codes = (getattr(error, name, None) for name in ("status_code", "code"))
    return next((code for code in codes if isinstance(code, int) and code >= 400), None)


def _words(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300] or type(error).__name__
