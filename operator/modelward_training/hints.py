"""What a dataset's columns will ask of an export, told in fetch's log before a user's code is trained on them."""

from collections.abc import Iterator

from modelward_contracts.manifests import Column, DatasetManifest

SHOWN = 10


def hints(dataset: DatasetManifest) -> Iterator[str]:
    columns = [column for column in dataset.columns if column.name not in dataset.no_inputs]
    if found := [column for column in columns if column.type == "timestamp"]:
        yield f"ONNX has no timestamps: derive month, weekday or age of {_some(found)} in prepare.sql to learn from it"
    if found := [column for column in columns if column.type == "string" and column.nullable]:
        yield f'missing text of {_some(found)} reaches the model as "": impute with missing_values=""'
    if found := [column for column in columns if column.type in ("integer", "boolean") and column.nullable]:
        yield f"{_some(found)} has missing values, which integers of ONNX cannot hold: export it as FP32"


def _some(columns: list[Column]) -> str:
    names = [repr(column.name) for column in columns]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
