"""`POST /predict`: rows of named columns in, labels and probabilities out. For people; programs use the protocol."""

from typing import Any

import numpy as np
import orjson

from modelward_serving.http.limits import raised
from modelward_serving.refusal import Refused

from .encode import Results, unwritable
from .inference import Inference, all_outputs
from .interface import Interface, TensorSpec, has_rows, listed
from .oip import load_json
from .tensors import Values, from_json

PATH = "/predict"


class PlainParser:
    """`{"rows": [{column: value}]}`, a list of rows, or one row. A column that is left out is a missing value."""

    def __init__(self, interface: Interface, max_rows: int) -> None:
        self._interface, self._max_rows = interface, max_rows
        self._wanted = all_outputs(interface, binary=False)
        self._titles = {spec.title for spec in interface.inputs}

    def parse(self, body: bytes) -> Inference:
        rows = self._rows(body)
        values = [self._column(spec, rows) for spec in self._interface.inputs]
        return Inference(None, len(rows), values, None, self._wanted, None, listed=True, plain=True)

    def _rows(self, body: bytes) -> list[dict[str, Any]]:
        if not has_rows(self._interface):
            raise Refused("this model has no rows of columns; use its /infer", status=501)
        top = load_json(body)
        rows = top.get("rows", [top]) if isinstance(top, dict) else top
        if not isinstance(rows, list):
            raise Refused("the body must be a row, a list of rows, or an object with 'rows'")
        if len(rows) > self._max_rows:
            raise Refused(f"{len(rows)} rows are more than {self._max_rows}{raised('rows')}", status=413)
        for i, row in enumerate(rows):
            if not isinstance(row, dict):
                raise Refused(f"row {i} must be an object of columns")
            if not row.keys() <= self._titles:
                unknown = next(column for column in row if column not in self._titles)
                raise Refused(f"row {i}: unknown column '{unknown}'; the columns are {listed(self._interface.inputs)}")
        return rows

    def _column(self, spec: TensorSpec, rows: list[dict[str, Any]]) -> Values:
        return from_json(spec, [row.get(spec.title) for row in rows], (len(rows), *spec.tail))


class PlainEncoder:
    def __init__(self, interface: Interface, name: str, version: str) -> None:
        self._interface = interface
        self._about = {"model": name, "version": version}

    def encode(self, results: Results, start: int, end: int) -> bytes:
        outputs = {spec.name: results.rows(i, start, end) for i, spec in enumerate(self._interface.outputs)}
        rows = [self._row(outputs, i) for i in range(end - start)]
        return orjson.dumps({**self._about, "predictions": rows})

    def _row(self, outputs: dict[str, np.ndarray[Any, Any]], i: int) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for name, values in outputs.items():
            value = _plain(values[i])
            _require_finite(name, i, values[i])
            if name == self._interface.label_output:
                row["label"] = value
            elif name == self._interface.probability_output:
                row["probabilities"] = self._by_class(value)
            else:
                row[name] = value
        return row

    def _by_class(self, values: Any) -> Any:
        classes = self._interface.classes
        if not isinstance(values, list) or (classes and len(classes) != len(values)):
            return values
        return dict(zip(classes or map(str, range(len(values))), values, strict=True))


def _plain(value: Any) -> Any:
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _require_finite(name: str, row: int, value: Any) -> None:
    if isinstance(value, np.ndarray | np.floating) and value.dtype.kind == "f" and not np.isfinite(value).all():
        raise unwritable(name, row, "use /infer and ask for it with binary_data")
