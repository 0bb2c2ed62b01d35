"""An API server of its own for each mutation run: they all use one namespace, and leave versions behind."""

from collections.abc import Iterator

import pytest
import yaml

from api.client import establish
from localcluster import paths
from localcluster.api import ApiServer


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    crds = [
        yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted((paths.REPOSITORY / "crds").glob("*.yaml"))
    ]
    with ApiServer(tmp_path_factory.mktemp("mutation")) as server:
        establish(server, crds)
        yield server
