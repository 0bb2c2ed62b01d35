"""A sample of `make bench-mutation`: what is refused names its field; what is taken and set back leaves no trace."""

import pytest

from localcluster.api import ApiServer
from mutation.run import mutate

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(("kind", "lives"), [("ModelDeployment", 8), ("Dataset", 4), ("TrainingRun", 3)])
async def test_field_that_is_changed_and_set_back_leaves_everything_as_it_was(
    fresh: ApiServer, kind: str, lives: int
) -> None:
    found = await mutate(fresh, kind, 0, lives=lives, every=7)

    assert found.problems == []
    assert found.lives == lives
    assert found.refused > 50
