"""An API server of its own for each mutation run: they all use one namespace, and leave versions behind."""

from collections.abc import Iterator

import pytest

from api.client import establish, our_crds
from localcluster.api import ApiServer


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with ApiServer(tmp_path_factory.mktemp("mutation")) as server:
        establish(server, our_crds())
        yield server
