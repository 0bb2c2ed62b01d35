"""The chart goes, in whatever order the rest does: what serves goes on, what is deleted goes, nothing is stranded."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from localcluster import install

from . import models
from .load import Load
from .shop import Shop, summer
from .test_deletion import CHILDREN
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

OURS = "--selector=app.kubernetes.io/name=modelward"
CLUSTER_WIDE = "clusterroles,clusterrolebindings,validatingadmissionpolicies,validatingwebhookconfigurations"


@pytest.fixture
def uninstalled(installed: World, alone: None) -> Callable[[], AbstractContextManager[None]]:
    """`with uninstalled(): …`, and the chart is there again, as if for the first time."""

    @contextmanager
    def gone() -> Iterator[None]:
        install.uninstall(installed.kubeconfig)
        try:
            yield
        finally:
            install.install(installed.kubeconfig, installed.images)

    return gone


def test_what_serves_goes_on_without_the_chart_and_is_taken_over_by_the_next(
    shop: Shop, request: pytest.FixtureRequest, uninstalled: Callable[[], AbstractContextManager[None]]
) -> None:
    """The next operator signs with another key."""
    with shop.serving(request.node.name) as service, service.load() as load:
        with uninstalled():
            left = shop.world.kubectl(
                "get", CLUSTER_WIDE, "--selector=app.kubernetes.io/name=modelward", "--output=name"
            )
            assert left == ""
            assert shop.world.serving(service.name) == f"trips-{shop.versions['base']}"
        service.roll_out("good")
        service.wait_transition("Promoted")
        service.wait_answers(load, "good")
        assert not load.errors


def test_resources_deleted_after_the_chart_leave_only_the_numbers_of_versions_behind(
    world: World, uninstalled: Callable[[], AbstractContextManager[None]]
) -> None:
    world.apply(models.dataset(), models.run("a", world.images["modelward-training"]), models.deployment())
    world.wait_condition("modeldeployment", "trips", "Ready", "True")
    with uninstalled():
        with Load(f"{world.url('trips')}/v2/models/trips/infer", summer(), rate=20) as load:
            world.wait("40 answers without the chart", lambda: load.answered > 40)
            assert not load.errors
        world.kubectl("delete", "modelward", "--all", "--timeout=60s")
        ours = "app.kubernetes.io/managed-by=modelward,app.kubernetes.io/component!=version-counter"
        world.wait("their children are gone", lambda: not world.find(CHILDREN, ours))
        world.kubectl("delete", "namespace", world.namespace, "--timeout=90s")


def test_test_of_the_chart_makes_a_dataset_and_leaves_nothing_behind(home: World, alone: None) -> None:
    before = left_in(home)
    told = install.test(home.kubeconfig)
    assert "Ready=True" in told
    home.wait("what the test made is gone", lambda: left_in(home) == before)


def left_in(world: World) -> set[str]:
    """But for the test's own pod, which stays for its log."""
    kinds = "datasets,datasetversions,pods,jobs,persistentvolumeclaims,serviceaccounts,roles,rolebindings"
    names = world.kubectl("get", kinds, "--output=name").split()
    return {name for name in names if name != "pod/modelward-test"}
