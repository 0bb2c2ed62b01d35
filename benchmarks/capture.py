"""Reads what a step prints, as pytest's capsys does in tests."""

import io


class Capture:
    def __init__(self) -> None:
        self.stream, self.out = io.StringIO(), ""

    def readouterr(self) -> "Capture":
        self.out = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return self
