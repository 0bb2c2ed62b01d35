"""Runs that fail, as onnxruntime makes them: what is the request's doing is told in its words, without the rest."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from modelward_serving.model.run_errors import MAX_WORDS, refusal_of
from modelward_serving.refusal import Refused

from .models import FLOAT, INT64, STRING, build

node = helper.make_node
ROWS = np.zeros((1, 3), np.float32)


def failing(nodes: list[Any], inputs: dict[str, Any], given: dict[str, Any], constants: dict[str, Any]) -> Exception:
    model = build(nodes, inputs, {"y": (FLOAT, ["u", "v"])}, constants)
    with pytest.raises(Exception) as raised:  # noqa: PT011 — onnxruntime's have no common base
        onnxruntime.InferenceSession(model).run(["y"], given)
    return raised.value


@pytest.mark.parametrize(
    ("nodes", "inputs", "given", "constants", "words"),
    [
        (
            [node("Gather", ["table", "i"], ["y"], name="look up")],
            {"i": (INT64, ["n", "m"])},
            {"i": np.array([[99]])},
            {"table": np.zeros(10, np.float32)},
            "Gather (look up): indices element out of data bounds, idx=99 must be within the inclusive range [-10,9]",
        ),
        (
            [node("Add", ["a", "b"], ["y"])],
            {"a": (FLOAT, ["n", "p"]), "b": (FLOAT, ["n", "q"])},
            {"a": ROWS, "b": np.zeros((1, 4), np.float32)},
            {},
            "Add: Attempting to broadcast an axis by a dimension other than 1. 3 by 4",
        ),
        (
            [node("Reshape", ["a", "to"], ["y"])],
            {"a": (FLOAT, ["n", "p"])},
            {"a": ROWS},
            {"to": np.array([-1, 2])},
            "Reshape: The input tensor cannot be reshaped to the requested shape. Input shape:{1,3}",
        ),
        (
            [node("Cast", ["text"], ["y"], to=FLOAT)],
            {"text": (STRING, ["n", "m"])},
            {"text": np.array([["cheap"]], object)},
            {},
            "Cast: stod",
        ),
        ([node("Relu", ["a"], ["y"])], {"a": (FLOAT, ["n", "p"])}, {"a": ROWS[0]}, {}, "Invalid rank for input: a"),
    ],
    ids=["index", "broadcast", "reshape", "text", "rank"],
)
def test_values_and_lengths_that_do_not_fit_are_the_requests_doing(
    nodes: list[Any], inputs: dict[str, Any], given: dict[str, Any], constants: dict[str, Any], words: str
) -> None:
    refused = refusal_of(failing(nodes, inputs, given, constants))
    assert refused.status == 400
    assert refused.message.startswith(f"the model cannot compute this request: {words}")
    assert "onnxruntime" not in refused.message


def test_memory_that_is_lacking_is_not() -> None:
    huge = failing(
        [node("Expand", ["a", "to"], ["y"])],
        {"a": (FLOAT, ["n", 1]), "to": (INT64, [2])},
        {"a": np.zeros((1, 1), np.float32), "to": np.array([1, 10**12])},
        {},
    )
    for error in (huge, MemoryError()):
        assert refusal_of(error).status == 500
        assert "not enough memory" in refusal_of(error).message


def test_what_is_not_onnxruntimes_is_this_servers_fault_with_bounded_words() -> None:
    refused = refusal_of(RuntimeError("x" * 10_000))
    assert refused.status == 500
    assert len(refused.message) < MAX_WORDS + 100


def test_refusal_stays_as_it_is() -> None:
    refused = Refused("no", status=413)
    assert refusal_of(refused) is refused
