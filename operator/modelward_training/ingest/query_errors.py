"""What PostgreSQL says went wrong: a reason, one sentence, and whether trying again can help.

Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html. A connection that was never made has none; there
the server's words decide, and what is not known is taken for the world's fault and tried again.
"""

import re

from adbc_driver_manager import Error

from modelward_training.outcome import JobError

COPY = "COPY ("
"""What the driver puts before the query when it runs it; positions count it."""
_WORLD = ("08", "40", "53", "55", "57", "58", "XX")
"""Classes: connection, lost race, resources, object in use, operator's doing, system, internal."""
_DATA = ("22", "23")
"""Classes: a value that does not fit."""
_QUOTED = re.compile('".*"', re.DOTALL)
_CANCELLED = "57014"
_READ_ONLY = "25006"
_DENIED = ("28", "42501")
_TLS = re.compile(r"SSL|certificate|TLS", re.IGNORECASE)
_WRONG = (
    (re.compile(r'password authentication failed|no password supplied|role ".*" does not exist'), "AccessDenied"),
    (re.compile(r"no pg_hba.conf entry|permission denied|not permitted|not allowed to"), "AccessDenied"),
    (re.compile(r'database ".*" does not exist'), "SourceNotFound"),
    (re.compile(r"invalid .* value|invalid connection option|invalid port"), "InvalidCredentials"),
)


def connecting(error: Error, secret: str | None) -> JobError:
    """Credentials are tried again later, and not by the Job: no account gets locked."""
    text = _first(str(error).split("Failed to connect: ")[-1])
    for pattern, reason in _WRONG:
        if pattern.search(text):
            advice = f"correct the Secret {secret}" + (", or the server's rights" if reason == "AccessDenied" else "")
            return JobError(reason, f"the database cannot be opened: {text}: {advice}", again=True)
    if _TLS.search(text) and "SYSCALL" not in text:
        return JobError(
            "CertificateNotTrusted",
            f"there is no trusted connection to the database: {text}: PGSSLMODE and PGSSLROOTCERT (PEM, or `system`) "
            f"in the Secret {secret} say what is trusted",
            again=True,
        )
    if "Connection refused" in text:
        return JobError("ConnectionRefused", f"the database cannot be reached: {text}", retryable=True)
    return JobError("SourceUnavailable", f"the database cannot be reached: {text}", retryable=True)


def running(error: Error, query: str, seconds: int, personal: bool) -> JobError:
    """`personal`: some columns' values are not to be shown, and the server would show the one that is at fault."""
    code, said = error.sqlstate or "", _primary(error)
    if personal and code.startswith(_DATA):
        said = _QUOTED.sub('"…"', said)
    if code == _CANCELLED and "timeout" in said:
        return JobError(
            "QueryTimeout", f"the query took longer than {seconds // 60} minutes: narrow it, or give it an index"
        )
    if code.startswith(_DENIED):
        message = f"the database refuses source.sql.query: {said}: give its role the right"
        return JobError("AccessDenied", message, again=True)
    if not code or code.startswith(_WORLD):
        return JobError("SourceUnavailable", f"the database went away while it was read: {said}", retryable=True)
    if code == _READ_ONLY:
        return JobError("InvalidSQL", f"source.sql.query must only read: {said}")
    return JobError("InvalidSQL", f"source.sql.query failed{_place(error, query)}: {said}")


def _place(error: Error, query: str) -> str:
    position = int(_detail(error, "PG_DIAG_STATEMENT_POSITION") or 0)
    if COPY in str(error).partition("Query was: ")[2][: len(COPY)]:
        position -= len(COPY)
    if not 0 < position <= len(query):
        return ""
    before = query[: position - 1]
    return f" in line {before.count(chr(10)) + 1}, column {position - 1 - before.rfind(chr(10))}"


def _primary(error: Error) -> str:
    return _first(_detail(error, "PG_DIAG_MESSAGE_PRIMARY") or str(error).split("[libpq] ")[-1])


def _detail(error: Error, name: str) -> str:
    return next((value.decode(errors="replace") for key, value in error.details or [] if _text(key) == name), "")


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _first(text: str) -> str:
    """The message of each server that was tried, without libpq's advice, which is indented."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("\t")]
    return "; ".join(dict.fromkeys(lines[:3]))[:600]
