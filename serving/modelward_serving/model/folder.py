"""What to say of a folder that holds no model.onnx."""

from pathlib import Path

from modelward_serving.refusal import ModelError

_OTHERS = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".h5", ".keras", ".pb", ".safetensors", ".cbm", ".ubj", ".bst")
"""Models of other formats."""


def read_model(folder: Path) -> bytes:
    """Of model.onnx. Raises `ModelError` with what is there instead."""
    path = folder / "model.onnx"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError("ModelMissing", _instead(folder)) from None
    except NotADirectoryError:
        raise ModelError(
            "ModelMissing", f"{folder} is a file: give the folder that holds it, with the model named model.onnx"
        ) from None
    except OSError as error:
        raise ModelError("ModelMissing", f"{path} cannot be read: {error.strerror}") from error


def _instead(folder: Path) -> str:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return f"there is no folder {folder}"
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror}"
    models = [name for name in names if name.lower().endswith(".onnx")]
    if models == ["model.onnx"]:
        return f"{folder}/model.onnx is a link to a file that is not there"
    if len(models) == 1:
        return f"{folder} has no model.onnx, but {models[0]}: rename it to model.onnx"
    if models:
        return f"{folder} has no model.onnx, but {_listed(models)}: a server has one model, named model.onnx"
    others = [name for name in names if name.lower().endswith(_OTHERS)]
    if others:
        return f"{folder} has no model.onnx, but {_listed(others)}: export the model to ONNX, as model.onnx"
    return f"{folder} has no model.onnx: it holds {_listed(names) if names else 'nothing'}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
