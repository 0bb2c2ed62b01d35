"""No model is served that is not proven: it never turns ready, and says why wherever one looks."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import onnx
import pytest
from onnx import helper

from .models import FLOAT, bare, linear, published
from .processes import Running, serving
from .test_external import in_initializer
from .test_lifecycle import reason_of

Made = tuple[Path, list[str]]


def changed(name: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        published(folder)
        digest = published(folder)[1]
        (folder / name).write_bytes((folder / name).read_bytes() + b" ")
        return folder, ["--digest", digest]

    return make


def other_digest(folder: Path) -> Made:
    return published(folder)[0], ["--digest", "sha256:" + "0" * 64]


def other_answers(folder: Path) -> Made:
    folder, digest = published(folder, recorded_scale=1.1)
    return folder, ["--digest", digest]


def with_custom_operator(folder: Path) -> Made:
    graph = helper.make_graph(
        [helper.make_node("Backdoor", ["x"], ["y"], domain="evil")],
        "custom",
        [helper.make_tensor_value_info("x", FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", FLOAT, ["n", 3])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("evil", 1)]
    return bare(folder, helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()), []


def with_sequence_output(folder: Path) -> Made:
    model = onnx.load_from_string(linear())
    model.graph.node.append(helper.make_node("SequenceConstruct", ["y"], ["z"]))
    model.graph.output.append(helper.make_tensor_sequence_value_info("z", FLOAT, None))
    return bare(folder, model.SerializeToString()), []


@pytest.mark.parametrize(
    ("make", "reason", "message"),
    [
        (changed("model.onnx"), "DigestMismatch", "model.onnx hashes to sha256:"),
        (changed("golden.json"), "DigestMismatch", "golden.json hashes to sha256:"),
        (other_digest, "DigestMismatch", "manifest.json hashes to sha256:"),
        (other_answers, "GoldenMismatch", "output 'y' element 0 is 6.0, recorded was 6.6"),
        (with_custom_operator, "InvalidModel", "Backdoor"),
        (with_sequence_output, "UnsupportedModel", "'z' of model.onnx is a seq(tensor(float))"),
        (lambda folder: (bare(folder, in_initializer()), []), "ExternalData", "keeps weights in"),
        (lambda folder: (bare(folder, b"not ONNX"), []), "InvalidModel", "model.onnx cannot be loaded"),
        (lambda folder: (bare(folder, b""), []), "InvalidModel", "model.onnx"),
        (lambda folder: (folder, []), "ModelMissing", "there is no folder"),
    ],
    ids=[
        "other model", "other golden requests", "other manifest", "other answers", "custom operator", "sequence",
        "external data", "no ONNX", "empty", "missing",
    ],
)  # fmt: skip
def test_unproven_model_never_turns_ready_and_says_why(
    tmp_path: Path, make: Callable[[Path], Made], reason: str, message: str
) -> None:
    folder, arguments = make(tmp_path / "model")
    with serving(folder, *arguments, ready=False) as server:
        told, sentence = reason_of(server)
        assert told == reason
        assert message in sentence
        assert_nothing_is_served(server)
        log = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        assert any(line.get("reason") == reason and line["message"] == sentence for line in log)
        termination = json.loads(server.log.with_suffix(".termination").read_bytes())
        assert (termination["result"], termination["reason"]) == ("Failed", reason)
        assert termination["message"] == sentence[: len(termination["message"])]
        server.terminate()
        assert server.process.wait(10) == 1


def assert_nothing_is_served(server: Running) -> None:
    for reply in (
        httpx.get(f"{server.data}/v2/health/ready"),
        httpx.get(f"{server.data}/v2/models/m/ready"),
        server.infer(),
        httpx.post(f"{server.data}/predict", json=[{"x": [1, 2, 3]}]),
    ):
        assert reply.status_code == 503
    assert server.infer().headers["retry-after"] == "1"
    assert server.infer().json() == {"error": "the model is not ready"}
    assert "modelward_ready 0.0" in httpx.get(f"{server.admin}/metrics").text


def test_proven_digest_is_shown_in_metadata_header_and_metrics(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "model")
    with serving(folder, "--digest", digest) as server:
        reply = server.infer()
        assert reply.headers["modelward-model"] == digest
        assert httpx.get(f"{server.data}/v2").json()["models"] == [{"name": "m", "version": "1", "digest": digest}]
        assert httpx.get(f"{server.data}/v2/models/m").json()["parameters"]["digest"] == digest
        assert f'digest="{digest}"' in httpx.get(f"{server.admin}/metrics").text
        assert server.monitor().model == digest
