"""What S3 and its library raise, in a sentence that says where, what and what to do."""

from .access import Access, scrubbed
from .errors import StoreDenied, StoreError, StoreFull, StoreUnavailable

KEEPER = "the store's Secret in this namespace"
_PASSING_CODES = {
    *("429", "500", "502", "503", "504", "InternalError", "InternalFailure", "OperationAborted", "RequestTimeout"),
    *("RequestLimitExceeded", "ServiceUnavailable", "SlowDown", "ThrottlingException", "TooManyRequests"),
    "XMinioServerNotInitialized",
}
_WRONG_KEY = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "XAdminUserNotFound",
}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"}
_FORBIDDEN = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden", "UnauthorizedAccess"}
_ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
_FULL = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "EntityQuotaExceeded", "507"}


def code_of(error: BaseException) -> str | None:
    """S3's own, or the status where an answer has no body."""
    answer = getattr(_cause(error), "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else None


def passes(error: BaseException) -> bool:
    """The same may well work in a moment."""
    from botocore import exceptions as boto

    code = code_of(error)
    if code is not None:
        return code in _PASSING_CODES
    cause = _cause(error)
    if isinstance(cause, boto.SSLError):
        return False
    return isinstance(
        cause, (boto.ConnectionError, boto.HTTPClientError, boto.ResponseStreamingError, TimeoutError, ConnectionError)
    ) or type(cause).__module__.startswith("aiohttp")


def explained(error: Exception, bucket: str, key: str, access: Access) -> Exception:
    """FileNotFoundError where only the object is missing."""
    if isinstance(error, StoreError):
        return error
    code = code_of(error)
    if code in ("NoSuchKey", "404", "NoSuchUpload"):
        return FileNotFoundError(key)
    kind, sentence = _answered(code, key) if code is not None else _unanswered(error)
    told = scrubbed(" ".join(str(_cause(error)).split()))[:300]
    return kind(f"the store's bucket {bucket} at {access.where}: {sentence} ({told})")


def _answered(code: str, key: str) -> tuple[type[StoreUnavailable], str]:
    if code == "NoSuchBucket":
        return StoreDenied, "there is no such bucket: create it, or correct the chart's store.url and store.endpoint"
    if code in _WRONG_KEY:
        advice = f"correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in {KEEPER}"
        return StoreDenied, f"the credentials are wrong: {advice}"
    if code in _EXPIRED:
        return StoreDenied, f"the credentials have expired: renew them in {KEEPER}"
    if code in _FORBIDDEN:
        rights = "s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListBucket"
        return StoreDenied, f"access to {key} is forbidden: allow {rights} below its prefix"
    if code in _ELSEWHERE:
        return StoreDenied, "it lies in another region: correct the chart's store.region"
    if code in ("RequestTimeTooSkewed", "RequestInTheFuture"):
        return StoreUnavailable, "this node's clock and the server's are too far apart: set the node's clock"
    if code in _FULL:
        return StoreFull, "it is full: enlarge its quota, or remove what is unused"
    if code in _PASSING_CODES:
        return StoreUnavailable, f"it cannot answer now for {key}: it is overloaded or restarts"
    return StoreUnavailable, f"{key} cannot be read or written"


def _unanswered(error: Exception) -> tuple[type[StoreUnavailable], str]:
    from botocore import exceptions as boto

    cause = _cause(error)
    if isinstance(cause, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        advice = "or give the pods a service account with an identity that may"
        return (
            StoreDenied,
            f"there are no credentials: put AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY into {KEEPER}, {advice}",
        )
    if isinstance(cause, boto.SSLError):
        return StoreDenied, f"its certificate is not trusted: put the authority's as AWS_CA_BUNDLE into {KEEPER}"
    if isinstance(cause, (boto.ParamValidationError, ValueError)):
        return StoreDenied, "the request cannot be made: correct the chart's store.url, store.endpoint and store.region"
    return StoreUnavailable, "it cannot be reached: the endpoint is wrong, away, or barred by a network policy"


def _cause(error: BaseException) -> BaseException:
    """s3fs raises Python's own errors from botocore's."""
    cause = error.__cause__
    return cause if cause is not None and not hasattr(error, "response") and hasattr(cause, "response") else error
