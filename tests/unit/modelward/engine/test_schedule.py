"""The queue's promises, as a machine that adds, pops, finishes and fails in any order."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from modelward.engine.schedule import Schedule

KEYS = st.sampled_from("abcd")


class Machine(RuleBasedStateMachine):
    """Beside a model so simple that it is evidently right: when each key was asked for, and which are active."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule: Schedule[str] = Schedule(jitter=lambda: 0.0)
        self.now = 0.0
        self.asked: dict[str, float] = {}
        self.active: set[str] = set()

    @rule(key=KEYS, delay=st.integers(0, 5))
    def add(self, key: str, delay: int) -> None:
        self.schedule.add(key, self.now + delay)
        self.asked[key] = min(self.now + delay, self.asked.get(key, float("inf")))

    @rule(seconds=st.integers(0, 3))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def pop(self) -> None:
        ready = {key: due for key, due in self.asked.items() if due <= self.now and key not in self.active}
        key = self.schedule.pop(self.now)
        if key is None:
            assert not ready
            return
        assert ready[key] == min(ready.values())
        del self.asked[key]
        self.active.add(key)

    @rule(key=KEYS)
    def done(self, key: str) -> None:
        self.schedule.done(key)
        self.active.discard(key)

    @invariant()
    def the_next_due_time_is_that_of_the_first_key_at_rest(self) -> None:
        assert self.schedule.next_due() == min((d for k, d in self.asked.items() if k not in self.active), default=None)

    @invariant()
    def depth_counts_what_is_due(self) -> None:
        assert self.schedule.depth(self.now) == sum(due <= self.now for due in self.asked.values())


TestSchedule = Machine.TestCase


@given(failures=st.integers(1, 2000), jitter=st.floats(0, 1))
def test_failures_in_a_row_wait_from_one_second_to_five_minutes(failures: int, jitter: float) -> None:
    schedule: Schedule[str] = Schedule(jitter=lambda: jitter)

    delays = [schedule.failed("a") for _ in range(failures)]

    assert 1 <= delays[0] <= 1.5
    assert delays == sorted(delays)
    assert delays[-1] <= 300
    assert failures < 10 or delays[-1] == 300


def test_success_resets_the_backoff() -> None:
    schedule: Schedule[str] = Schedule(jitter=lambda: 0.0)
    assert [schedule.failed("a"), schedule.failed("a"), schedule.failed("b")] == [1, 2, 1]

    schedule.succeeded("a")

    assert schedule.failed("a") == 1
