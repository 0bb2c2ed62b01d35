"""The manifests fit the code: what is selected is what is trained on, and parameters are known."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from flights.columns import FEATURES, ID, LABEL, TIME
from flights.training import Parameters

FOLDER = Path(__file__).parents[1] / "manifests"


def of_kind(kind: str) -> list[Any]:
    objects = [entry for path in sorted(FOLDER.glob("*.yaml")) for entry in yaml.safe_load_all(path.read_text())]
    return [pytest.param(entry, id=entry["metadata"]["name"]) for entry in objects if entry["kind"] == kind]


@pytest.mark.parametrize("dataset", [each for each in of_kind("Dataset") if each.id in ("flights", "flights-metric")])
def test_prepared_columns_are_the_models_and_hold_no_leak(dataset: dict[str, Any]) -> None:
    duckdb = pytest.importorskip("duckdb")
    columns, spec = dataset["spec"]["columns"], dataset["spec"]
    raw = {*FEATURES, ID, TIME, *columns["forbidden"], "dewp", "year"}
    texts = {name: "''" if name in {ID, TIME} else "1" for name in sorted(raw)}
    with duckdb.connect() as database:
        database.execute(
            f"CREATE VIEW source AS SELECT {', '.join(f'{value} AS {name}' for name, value in texts.items())}"
        )
        prepared = {row[0] for row in database.execute(f"DESCRIBE {spec['prepare']['sql']}").fetchall()}
    assert prepared == {*FEATURES, ID, TIME, LABEL}
    assert (columns["id"], columns["time"], columns["label"]) == (ID, TIME, LABEL)


@pytest.mark.parametrize("run", of_kind("TrainingRun"))
def test_parameters_of_every_run_are_known(run: dict[str, Any]) -> None:
    sought = run["spec"].get("search", {}).get("parameters", [])
    values = {each["name"]: each["feasibleSpace"].get("min") or each["feasibleSpace"]["list"][0] for each in sought}
    Parameters.parse(run["spec"].get("parameters", {}) | values)


@pytest.mark.parametrize("model", of_kind("RegisteredModel"))
def test_parameters_of_a_registered_model_are_known_and_it_reads_our_dataset(model: dict[str, Any]) -> None:
    Parameters.parse(model["spec"]["run"]["parameters"])
    assert model["spec"]["run"]["datasetRef"]["name"] in {
        dataset.values[0]["metadata"]["name"] for dataset in of_kind("Dataset")
    }
