"""Ingest checks what is expected: all failures at once, with counts and examples; the version stays the same."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.reports import MAX_FAILURE, MAX_FAILURES, Failure
from modelward_contracts.tasks import Expectation

from .harness import Ended, Pod, ingest_report

HEADER = "id,age,plan,mail,at,late\n"


def people(rows: int = 100, *extra: str) -> str:
    lines = [
        f"{n},{20 + n % 50},{'abc'[n % 3]},u{n}@x.org,2013-01-{1 + n % 28:02d} 00:00:00,{n % 2}" for n in range(rows)
    ]
    return HEADER + "\n".join([*lines, *extra]) + "\n"


def failures(pod: Pod, *expected: Expectation, **fields: Any) -> list[Failure]:
    report = ingest_report(pod.ingest(expectations=list(expected), **fields))
    assert report.failed == len(report.failures)
    return report.failures


def messages(pod: Pod, *expected: Expectation, **fields: Any) -> list[str]:
    return [f"{each.expectation} {each.message}" for each in failures(pod, *expected, **fields)]


def test_data_as_expected_fails_nothing(pod: Pod) -> None:
    pod.csv(people())
    expected = [
        Expectation(column="age", type="integer", minimum=20, maximum=69, unique=False, max_missing=0),
        Expectation(column="age", type="number", minimum=-1e300, maximum=1e300),
        Expectation(column="plan", values=["a", "b", "c"]),
        Expectation(column="mail", matches=r"\w+@x\.org", unique=True),
        Expectation(min_rows=100),
        Expectation(max_drift=0.1),
    ]
    ended = pod.ingest(expectations=expected)
    report = ingest_report(ended)
    assert (report.expectations, report.failed, report.failures) == (12, 0, [])
    assert "expectations" not in ended.message


def test_all_failures_are_told_at_once_with_counts_and_examples(pod: Pod) -> None:
    pod.csv(people(100, "100,-5,d,,2013-01-01,0", "101,-5,d,no mail,2013-01-01,1", "102,300,,u1@x.org,2013-01-01,1"))
    found = messages(
        pod,
        Expectation(column="age", minimum=0, maximum=120.5),
        Expectation(column="plan", values=["a", "b", "c"], max_missing=0),
        Expectation(column="mail", matches=r"\w+@x\.org", unique=True, max_missing=0.009),
        Expectation(column="late", type="string"),
        Expectation(min_rows=1000),
    )
    assert found == [
        "{column: age, minimum: 0} 2 of 103 values below 0: -5 (2 rows); first in row 101 of the prepared data",
        "{column: age, maximum: 120.5} 1 of 103 values above 120.5: 300; first in row 103 of the prepared data",
        "{column: plan, in: [a, b, c]} 2 of 102 values not among them: 'd' (2 rows); first in row 101 of the "
        "prepared data",
        r"{column: mail, matches: '\\w+@x\\.org'} 1 of 102 values of another form: 'no mail'; first in row 102 of the "
        "prepared data",
        "{column: plan, maxMissing: 0} 1 of 103 rows without a value: a share of 0.00971",
        "{column: mail, maxMissing: 0.009} 1 of 103 rows without a value: a share of 0.00971",
        "{column: mail, unique: true} 2 of 102 values repeat: 'u1@x.org' (2 rows)",
        "{column: late, type: string} it is a column of type integer",
        "{rows: {minimum: 1000}} there are 103 rows",
    ]


def test_version_is_the_same_whatever_is_expected_of_it(pod: Pod) -> None:
    pod.csv(people())
    plain = ingest_report(pod.ingest())
    ended = pod.ingest(expectations=[Expectation(min_rows=1000)])
    failed = ingest_report(ended)
    assert (failed.manifest, plain.failed, failed.failed) == (plain.manifest, 0, 1)
    assert ended.message.endswith("; 1 of 1 expectations are not met")


def test_five_examples_are_shown_and_the_others_counted(pod: Pod) -> None:
    pod.csv(people(100))
    (found,) = messages(pod, Expectation(column="mail", matches="never"))
    assert (
        "100 of 100 values of another form: 'u0@x.org', 'u10@x.org', 'u11@x.org', 'u12@x.org', 'u13@x.org' and 95 more;"
        in found
    )


def test_what_is_told_is_bounded(pod: Pod) -> None:
    pod.csv(people(60, *(f"{n},30,{'x' * 400}{n},m,2013-01-01,0" for n in range(100, 110))))
    expected = [Expectation(column="plan", values=["a", "b", "c", "y" * 256]) for _ in range(60)]
    report = ingest_report(pod.ingest(expectations=expected))
    assert (report.expectations, report.failed, len(report.failures)) == (60, 60, MAX_FAILURES)
    assert all(len(each.message) <= MAX_FAILURE for each in report.failures)
    assert "…' and 5 more" in report.failures[0].message


def test_missing_values_count_for_max_missing_alone(pod: Pod) -> None:
    rows = {"id": list(range(90)), "x": [None, 1.5, 2.5] * 30, "s": ["", "a", None] * 30, "late": [0, 1] * 45}
    pq.write_table(pa.table(rows), pod.paths.source / "a.parquet")
    expected = [
        Expectation(column="x", minimum=1, unique=False, values=["1.5", "2.5"]),
        Expectation(column="s", matches="a", values=["a"]),
        Expectation(column="s", max_missing=0.5),
    ]
    found = messages(pod, *expected, format="parquet", path="*")
    assert found == ["{column: s, maxMissing: 0.5} 60 of 90 rows without a value: a share of 0.667"]


def test_share_that_is_just_allowed_is_met(pod: Pod) -> None:
    pod.csv("id,x,late\n" + "".join(f"{n},{'' if n < 29 else n},{n % 2}\n" for n in range(100)))
    expected = [Expectation(column="x", max_missing=0.29), Expectation(column="x", max_missing=0.28)]
    assert [each.expectation for each in failures(pod, *expected)] == ["{column: x, maxMissing: 0.28}"]


def test_column_without_any_value_has_no_wrong_type(pod: Pod) -> None:
    pod.csv("id,x,y,late\n" + "".join(f"{n},,{n},{n % 2}\n" for n in range(60)))
    found = messages(
        pod,
        Expectation(column="x", type="string", matches="a", minimum=0, values=["a"], unique=True, max_missing=0.5),
        Expectation(fresh="x", max_age="1h"),
    )
    assert found == [
        "{column: x, maxMissing: 0.5} 60 of 60 rows without a value: a share of 1",
        "{fresh: {column: x, maxAge: 1h}} the column has no value",
    ]


@pytest.mark.parametrize(
    ("column", "values", "wrong"),
    [
        ("n", [1, 2, 3, "2.5"], 0),
        ("n", [1, 2, "99999999999999999999"], 20),
        ("f", ["0.5", 1, "1.5"], 0),
        ("b", ["true"], 30),
        ("t", ["2013-01-01", "2013-01-02"], 0),
        ("s", [1, "007"], 20),
    ],
)
def test_in_reads_values_as_the_column_s_type(pod: Pod, column: str, values: list[int | str], wrong: int) -> None:
    rows = [
        f"{i},{i % 3 + 1},{i % 3 / 2 + 0.5},{str(i % 2 == 1).lower()},2013-01-0{i % 2 + 1},{s},{i % 2}"
        for i, s in enumerate(["1", "007", "x"] * 20)
    ]
    pod.csv("id,n,f,b,t,s,late\n" + "\n".join(rows) + "\n")
    found = failures(pod, Expectation(column=column, values=values))
    assert [each.message.split()[0] for each in found] == ([str(wrong)] if wrong else [])


def test_type_of_text_is_told_with_the_values_that_make_it_so(pod: Pod) -> None:
    pod.csv("id,x,late\n" + "".join(f"{n},{n if n % 3 else 'n' + str(n % 2)},{n % 2}\n" for n in range(60)))
    (found,) = messages(pod, Expectation(column="x", type="integer"))
    assert found.endswith("it is a column of type string: 20 values are something else: 'n0' (10 rows), 'n1' (10 rows)")


def test_old_data_is_told_as_a_failure_of_age(pod: Pod) -> None:
    now = datetime.now(UTC)
    newest = f"{now - timedelta(hours=3):%Y-%m-%d %H:%M:%S}"
    pod.csv(people(100, f"100,1,a,m,{newest},0"))
    (found,) = failures(
        pod,
        Expectation(fresh="at", max_age="2h59m"),
        Expectation(fresh="at", max_age="3h1m"),
        Expectation(fresh="at", max_age="9" * 31 + "h"),
    )
    assert (found.expectation, found.ages) == ("{fresh: {column: at, maxAge: 2h59m}}", True)
    assert found.message == f"the newest row is of {newest} UTC"


@pytest.mark.parametrize(
    ("expected", "parts"),
    [
        (Expectation(column="agee", minimum=0), ("expectations[1]: there is no column 'agee'; did you mean 'age'?",)),
        (Expectation(fresh="when", max_age="1h"), ("expectations[1]: there is no column 'when'",)),
        (
            Expectation(fresh="age", max_age="1h"),
            ("expectations[1]: fresh is for timestamps, and the column 'age' is",),
        ),
        (
            Expectation(column="plan", minimum=0),
            ("expectations[1]: minimum is for numbers", "'plan' is of type string"),
        ),
        (Expectation(column="age", matches="a"), ("expectations[1]: matches is for text", "'age' is of type integer")),
        (Expectation(column="age", values=["x"]), ("expectations[1]: in holds 'x', which is no integer", "'age'")),
        (Expectation(column="plan", matches="(a"), ("expectations[1]: matches of the column 'plan'", "missing )")),
        (Expectation(column="plan", matches="(?=a)"), ("RE2", "(?=")),
    ],
)
def test_expectation_that_cannot_be_checked_ends_the_ingest(
    pod: Pod, expected: Expectation, parts: tuple[str, ...]
) -> None:
    pod.csv(people())
    ended = pod.ingest(expectations=[Expectation(min_rows=1), expected])
    assert (ended.code, ended.reason) == (1, "InvalidExpectation"), ended
    for part in parts:
        assert part in ended.message


def test_quotes_in_patterns_and_values_are_text(pod: Pod) -> None:
    pod.csv(people())
    found = messages(
        pod,
        Expectation(column="plan", values=["a", "b", "c", "'); DROP TABLE clean; --"], matches="[abc]|'x'"),
    )
    assert found == []


class TestDrift:
    def numbers(self, shift: float = 0, rows: int = 2000, plans: str = "abc", label: str = "late") -> str:
        lines = [f"{n},{(n * 37 % 1000) / 10 + shift},{plans[n % len(plans)]},{n % 2}" for n in range(rows)]
        return f"id,x,plan,{label}\n" + "\n".join(lines) + "\n"

    def version(self, pod: Pod, text: str, *before: str, **fields: Any) -> Ended:
        pod.csv(text)
        return pod.ingest(expectations=[Expectation(max_drift=0.2)], before=list(before), **fields)

    def test_first_version_passes(self, pod: Pod) -> None:
        assert ingest_report(self.version(pod, self.numbers())).failed == 0

    def test_columns_that_moved_are_told_with_the_largest_first(self, pod: Pod) -> None:
        first = ingest_report(self.version(pod, self.numbers())).manifest
        (found,) = ingest_report(self.version(pod, self.numbers(60, plans="aaaab"), first)).failures
        assert found.expectation == "{drift: {maximum: 0.2}}"
        assert re.fullmatch(r"2 of 3 columns moved further: 'x' 4\.\d+, 'plan' 2\.\d+", found.message)

    def test_more_rows_of_the_same_kind_pass(self, pod: Pod) -> None:
        first = ingest_report(self.version(pod, self.numbers())).manifest
        assert ingest_report(self.version(pod, self.numbers(rows=300), first)).failed == 0

    def test_same_data_is_compared_with_the_version_before_it(self, pod: Pod) -> None:
        first = ingest_report(self.version(pod, self.numbers())).manifest
        moved = self.numbers(60)
        second = ingest_report(self.version(pod, moved)).manifest
        assert ingest_report(self.version(pod, moved, second, first)).failed == 1

    def test_values_that_went_missing_are_drift(self, pod: Pod) -> None:
        first = ingest_report(self.version(pod, self.numbers())).manifest
        half = re.sub(r"(?m)^(\d*[02468]),[^,]+", r"\1,", self.numbers())
        (found,) = ingest_report(self.version(pod, half, first)).failures
        assert "1 of 3 columns moved further: 'x'" in found.message

    def test_what_cannot_be_compared_is_told(self, pod: Pod) -> None:
        first = ingest_report(self.version(pod, self.numbers())).manifest
        report = ingest_report(self.version(pod, self.numbers(), first, types={"x": "string"}))
        assert "drift of 'x' is not checked: it is of type string, and was of type number" in report.warnings
        lost = ingest_report(self.version(pod, self.numbers(), "sha256:" + "0" * 64))
        assert "drift is not checked: the version before is not in this store any more" in lost.warnings
