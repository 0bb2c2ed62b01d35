"""A classifier whose export ends in dictionaries, class by class, is served with the tensors that they are made of."""

from typing import Any


def has_dictionaries(session: Any) -> bool:
    return any("map(" in arg.type for arg in session.get_outputs())


def unzipped(model: bytes) -> tuple[bytes, list[str]]:
    """The model without the dictionaries that could be taken away, and the classes if one output told them."""
    # A large library, for the few models that need it: what was published never does.
    import onnx

    from modelward_onnx.zipmap import unzip

    graph = onnx.load_from_string(model)
    classes = list(unzip(graph).values())
    return bytes(graph.SerializeToString()), classes[0] if len(classes) == 1 else []
