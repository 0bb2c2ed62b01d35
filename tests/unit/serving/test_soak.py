"""Half a minute of what `make soak` does for ten."""

from benchmarks.traffic.soak import soak


async def test_changing_weights_drains_and_dying_clients_cost_no_other_client_an_error() -> None:
    report = await soak(seconds=20, period=1.0)
    assert report.errors == {}
    assert set(report.statuses) == {"200"}
    assert report.distinct_answers == 1
    assert report.forwarded > 100
    assert report.dead_clients > 20
    assert report.drained >= 1
    assert set(report.exit_codes) == {0}
