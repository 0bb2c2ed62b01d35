"""The three ways in which a reconcile cannot go on; each becomes a condition.

Wait(reason, message, retry_after)   something is not there yet; nobody has to act
Refused(reason, message)             the user must change something; no retry until then
Unavailable(cause)                   the world did not answer; retried with backoff
"""


class Wait(Exception):
    def __init__(self, reason: str, message: str, retry_after: float = 30.0) -> None:
        super().__init__(message)
        self.reason, self.message, self.retry_after = reason, message, retry_after


class Refused(Exception):
    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class Unavailable(Exception):
    """Infrastructure: the API server, a pod's admin port. Carries the cause as its text."""
