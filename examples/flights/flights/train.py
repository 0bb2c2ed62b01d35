"""The command of the training container: python -m flights.train

Reads $MODELWARD_INPUT/{train,validation,test}.parquet and, if there, params.json;
writes $MODELWARD_OUTPUT/model.onnx and predictions.parquet.
"""

import json
import os
import sys
import time
from pathlib import Path

import pandas as pd

from flights.cleaning import SPLITS, InputError, read_split
from flights.export import write_model, write_predictions
from flights.features import timetable
from flights.training import ParameterError, Parameters, fit


def main() -> None:
    """Train where the environment says; errors end in one line."""
    try:
        run(Path(os.environ["MODELWARD_INPUT"]), Path(os.environ["MODELWARD_OUTPUT"]))
    except KeyError as error:
        sys.exit(f"flights.train: set {error.args[0]} to the folder of the training's files")
    except (InputError, ParameterError) as error:
        sys.exit(f"flights.train: {error}")


def run(source: Path, target: Path) -> None:
    """One training from folder to folder."""
    parameters = read_parameters(source / "params.json")
    train, validation, test = (read_split(source, name) for name in SPLITS)
    say(f"{len(train)} rows to train on, {len(validation)} and {len(test)} held out; {parameters}")
    known_flights = timetable(train, validation, test)
    started = time.monotonic()
    model = fit(train, known_flights, parameters)
    say(f"trained in {time.monotonic() - started:.1f} s, knowing {len(known_flights)} flight numbers")
    size = write_model(model, target / "model.onnx")
    write_predictions(model, pd.concat([validation, test]), target / "predictions.parquet")
    say(f"wrote model.onnx ({size} bytes) and predictions.parquet")


def read_parameters(path: Path) -> Parameters:
    """The run's parameters; without the file, the defaults."""
    return Parameters.parse(json.loads(path.read_text()) if path.is_file() else {})


def say(message: str) -> None:
    """Progress, for whoever reads the log."""
    print(message, flush=True)


if __name__ == "__main__":
    main()
