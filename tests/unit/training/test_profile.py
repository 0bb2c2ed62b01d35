"""The reference profile: bins as the contract describes them."""

import numpy as np

from modelward_training.publish.profile import categorical_signal, numeric_signal


def test_equal_values_share_one_cut_and_missing_is_counted_apart() -> None:
    values = np.array([0.0] * 70 + [1.0] * 20 + [5.0] * 10 + [np.nan] * 3)
    signal = numeric_signal("gusts", "input", values, "gusts")
    assert signal.cuts == [0.0, 1.0]
    assert signal.counts == [70, 20, 10, 3]


def test_bins_of_distinct_values_are_equally_full() -> None:
    signal = numeric_signal("x", "input", np.arange(1000.0), "x")
    assert signal.counts == [100] * 10 + [0]


def test_constant_and_empty_columns_have_one_bin() -> None:
    assert numeric_signal("x", "input", np.ones(5), "x").counts == [5, 0]
    assert numeric_signal("x", "input", np.full(5, np.nan), "x").counts == [0, 5]


def test_rare_categories_are_known_but_share_a_bin() -> None:
    values = ["UA"] * 50 + [f"c{number:02d}" for number in range(30)] + [""] * 4
    signal = categorical_signal("carrier", "input", values, "carrier")
    assert signal.categories[0] == "UA"
    assert len(signal.categories) == 20
    assert len(signal.others) == 11
    assert signal.counts == [50, *[1] * 19, 11, 0, 4]
