"""Two Datasets, joined by an image of the user's own that sees their tables and nothing else."""

import pytest

from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

FLIGHTS = "id,carrier,late\n" + "".join(f"f{n},{'AB'[n % 2]},{n % 3 % 2}\n" for n in range(300))
CARRIERS = "carrier,seats\nA,100\nB,150\n"
JOIN = """
import os, pathlib, pandas
for place in ("/store", "/handoff", "/var/run/secrets/kubernetes.io"):
    assert not pathlib.Path(place).exists(), place
assert os.getuid() == 1234, os.getuid()
found, answer = (pathlib.Path(os.environ["MODELWARD_" + name]) for name in ("INPUT", "OUTPUT"))
flights, carriers = (pandas.read_parquet(found / (name + ".parquet")) for name in ("flights", "seats"))
flights.merge(carriers, on="carrier").to_parquet(answer / "joined.parquet", index=False)
"""


def test_datasets_are_joined_by_a_users_container_under_another_user(world: World) -> None:
    def dataset(name: str, **spec: object) -> dict[str, object]:
        metadata = {"name": name, "namespace": world.namespace}
        return {"apiVersion": "modelward.dev/v1alpha1", "kind": "Dataset", "metadata": metadata, "spec": spec}

    container = {"image": world.images["modelward-training"], "command": ["python", "-c", JOIN], "runAsUser": 1234}
    world.apply(
        dataset(
            "joined",
            source={"datasets": [{"name": "flights"}, {"name": "carriers", "as": "seats"}]},
            prepare={"container": container},
            columns={"label": "late", "id": "id"},
        ),
        dataset("flights", source={"inline": {"data": FLIGHTS}}, columns={"id": "id"}),
        dataset("carriers", source={"inline": {"data": CARRIERS}}, columns={}),
    )
    world.wait_condition("dataset", "joined", "Ready", "True")
    found = world.get("dataset", "joined")
    assert found
    version = world.get("datasetversion", found["status"]["latestVersion"]["name"])
    assert version
    assert version["spec"]["rows"] == 300
    assert [column["name"] for column in version["spec"]["columns"]] == ["id", "carrier", "late", "seats"]
    parents = [parent["version"] for parent in version["spec"]["parents"]]
    assert [name.rpartition("-")[0] for name in parents] == ["flights", "carriers"]
    assert ", ".join(parents) in world.kubectl("get", "dsver", version["metadata"]["name"])
