"""A few of onnx's own backend tests, each in a server of its own; `make bench-onnx` has them all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.onnx_support.__main__ import locale
from benchmarks.onnx_support.cases import cases
from benchmarks.onnx_support.nursery import Nursery
from benchmarks.onnx_support.verdict import judge

SAMPLE = {
    "test_add_bcast": "equal",
    "test_add_uint8": "equal",
    "test_and_bcast3v1d": "equal",
    "test_ai_onnx_ml_label_encoder_string_int": "equal",
    "test_argmax_default_axis_random": "equal",
    "test_bernoulli": "refused by onnxruntime",
    "test_cast_FLOAT_to_BFLOAT16": "refused by type",
    "test_cast_FLOAT_to_FLOAT16": "equal",
    "test_concat_3d_axis_1": "equal",
    "test_constant": "equal",
    "test_cumsum_1d": "equal",
    "test_gather_negative_indices": "equal",
    "test_isinf": "equal",
    "test_log": "equal",
    "test_lstm_batchwise": "refused by onnxruntime",
    "test_nonzero_example": "equal",
    "test_quantizelinear": "refused by onnxruntime",
    "test_reduce_sum_empty_set": "equal",
    "test_reshape_zero_dim": "equal",
    "test_sequence_insert_at_back": "refused by type",
    "test_size_example": "equal",
    "test_strnormalizer_export_monday_casesensintive_lower": "equal",
    "test_string_concat": "equal",
    "test_top_k": "equal",
    "test_Conv2d_padding": "equal",
}


@pytest.fixture(scope="module", autouse=True)
def _with_locale() -> Iterator[None]:
    with locale():
        yield


def test_each_is_equal_or_refused_for_the_reason_it_is_known_to_be(tmp_path: Path) -> None:
    chosen = {case.name: case for case in cases() if case.name in SAMPLE}
    assert chosen.keys() == SAMPLE.keys()
    with Nursery() as nursery:
        verdicts = {name: judge(case, nursery, tmp_path / name) for name, case in chosen.items()}
    assert {name: verdict.outcome for name, verdict in verdicts.items()} == SAMPLE, verdicts


def test_steps_on_text_are_refused_with_the_command_that_helps_where_their_locale_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCPATH", str(tmp_path))
    case = next(case for case in cases() if case.name == "test_strnormalizer_export_monday_casesensintive_lower")
    with Nursery() as nursery:
        verdict = judge(case, nursery, tmp_path / "m")
    assert verdict.outcome == "refused by onnxruntime"
    assert "apt-get install locales && localedef -i en_US -f UTF-8 en_US.UTF-8" in verdict.said
