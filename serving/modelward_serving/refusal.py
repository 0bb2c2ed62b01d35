"""The two ways in which this server says no, each with one sentence for a person."""


class Refused(Exception):
    """A request that gets no prediction. `status` follows the protocol's map: 400 invalid, 404 unknown, 503 busy …"""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class ModelError(Exception):
    """The model cannot be served: it never turns ready. `reason` is CamelCase, as in conditions."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message
