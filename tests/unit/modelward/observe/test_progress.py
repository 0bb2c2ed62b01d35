"""Lines about progress may come from anybody: what is taken of them fits a status, whatever they hold."""

import pytest

from modelward.api.training_run import RunProgress
from modelward.observe.progress import progress_in
from modelward_contracts.reports import Progress


def line(body: str) -> str:
    return f"modelward: {body}\n"


def test_last_line_counts_and_what_is_none_of_ours_is_passed_over() -> None:
    log = line('{"kind":"Progress","message":"one"}') + "epoch 2\n" + line('{"kind":"Progress","message":"two"}')
    assert progress_in(log + "modelward is great\n") == Progress(message="two")
    assert progress_in("nothing\n") is None
    assert progress_in("") is None


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "1",
        '"Progress"',
        '{"kind":"Publish","metrics":{"auc":1}}',
        '{"kind":"Progress","message":1}',
        '{"kind":"Progress","fraction":"half"}',
        '{"kind":"Progress","fraction":NaN}',
        '{"kind":"Progress","metrics":{"auc":"high"}}',
        '{"kind":"Progress","metrics":{"auc":1e999}}',
        "[" * 100_000,
        '{"kind":"Progress","other":' + "[" * 100_000,
        '{"kind":"Progress","fraction":1' + "0" * 400 + "}",
        "\ud800",
    ],
)
def test_line_that_is_no_progress_is_passed_over(body: str) -> None:
    good = line('{"kind":"Progress","message":"good"}')
    assert progress_in(good + line(body)) == Progress(message="good")


def test_what_is_taken_fits_a_status() -> None:
    metrics = ",".join(f'"m{n}":{n}' for n in range(100))
    said = progress_in(
        line(f'{{"kind":"Progress","message":"{"x" * 5000}","fraction":7,"metrics":{{"bad name":1,{metrics}}}}}')
    )
    assert said is not None
    assert said.fraction == 1.0
    assert (len(said.metrics), "bad name" in said.metrics) == (16, False)
    told = RunProgress(step="train", time="2026-01-01T00:00:00Z", message=said.message, metrics=said.metrics)
    assert len(told.message) == 256


def test_control_characters_reach_no_terminal() -> None:
    said = progress_in(line('{"kind":"Progress","message":"\\u001b[31mred\\u0007\\nline"}'))
    assert said is not None
    assert said.message == "[31mred line"


def test_fraction_and_metrics_alone_are_enough() -> None:
    assert progress_in(line('{"kind":"Progress","fraction":0.5}')) == Progress(fraction=0.5)
