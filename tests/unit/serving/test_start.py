"""What a person meets who starts a server: the wrong folder, a port that is taken, its address in a browser."""

import json
import socket
import time
from pathlib import Path

import httpx
import msgspec
import pytest

from benchmarks.serving.process import free_port
from modelward_contracts.traffic import Target

from .models import bare, linear, published
from .processes import ROW, Operator, Running, serving
from .test_lifecycle import reason_of


def said(server: Running) -> tuple[int, str]:
    """Exit code and the one error, of which the termination message tells too."""
    code = server.process.wait(20)
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    errors = [line for line in lines if line["level"] == "error"]
    assert len(errors) == 1
    assert "exception" not in errors[0]
    told = json.loads(server.log.with_suffix(".termination").read_bytes())
    assert (told["reason"], told["message"]) == (errors[0]["reason"], errors[0]["message"])
    return code, errors[0]["message"]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("option", ["--port", "--direct-port", "--admin-port"])
def test_port_in_use_is_told_with_its_option(tmp_path: Path, option: str, workers: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        serving(
            bare(tmp_path / "m", linear()),
            *(option, str(taken.getsockname()[1]), "--workers", workers),
            ready=False,
        ) as server,
    ):
        code, message = said(server)
    assert code == 1
    assert message.endswith(f"is in use already: stop what listens there, or choose another with {option}")


def test_port_of_another_server_with_workers_is_not_shared_in_silence(tmp_path: Path) -> None:
    folder = bare(tmp_path / "m", linear())
    with serving(folder, "--workers", "2") as first:
        taken = ("--port", str(first.port), "--workers", "2")
        with serving(folder, *taken, revision="r2", ready=False) as second:
            assert "is in use already" in said(second)[1]
        assert first.infer().status_code == 200


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "2001:db8::1"])
def test_address_that_is_not_this_machines_is_told(tmp_path: Path, host: str) -> None:
    with serving(bare(tmp_path / "m", linear()), "--host", host, ready=False) as server:
        assert said(server) == (1, f"--host {host} is no address of this machine")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (None, "there is no folder {folder}"),
        ([], "{folder} has no model.onnx: it holds nothing"),
        (["net.onnx"], "{folder} has no model.onnx, but net.onnx: rename it to model.onnx"),
        (["Model.ONNX"], "{folder} has no model.onnx, but Model.ONNX: rename it to model.onnx"),
        (["a.onnx", "b.onnx"], "has no model.onnx, but a.onnx, b.onnx: a server has one model, named model.onnx"),
        (["model.pkl", "x.txt"], "has no model.onnx, but model.pkl: export the model to ONNX, as model.onnx"),
        (["x.txt"], "has no model.onnx: it holds x.txt"),
    ],
    ids=["no folder", "empty", "another name", "another case", "two", "pickle", "no model"],
)
def test_folder_without_a_model_is_told_with_what_it_holds(tmp_path: Path, names: list[str] | None, words: str) -> None:
    folder = tmp_path / "m"
    if names is not None:
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"x")
    with serving(folder, ready=False) as server:
        reason, message = reason_of(server)
        assert (reason, words.format(folder=folder) in message) == ("ModelMissing", True)
        server.terminate()
        assert said(server) == (1, message)


def test_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(linear())
    with serving(tmp_path / "model.onnx", ready=False) as server:
        assert reason_of(server)[1].endswith(
            "is a file: give the folder that holds it, with the model named model.onnx"
        )


def test_root_tells_programs_what_there_is_and_leads_people_to_the_page(stable: Running) -> None:
    there = httpx.get(f"{stable.data}/")
    assert there.status_code == 200
    for link in ("docs", "openapi", "metadata", "ready"):
        assert httpx.get(stable.data + there.json()[link]).status_code == 200
    assert httpx.post(stable.data + there.json()["infer"], json=ROW).status_code == 200
    page = httpx.get(f"{stable.data}/", headers={"accept": "text/html,*/*"}, follow_redirects=True)
    assert (page.status_code, page.url.path) == (200, "/docs")
    assert "GET / tells what there is" in httpx.get(f"{stable.data}/invocations").json()["error"]
    assert "the model is asked on the data port" in httpx.get(f"{stable.admin}/").json()["error"]


@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("::", {"127.0.0.1", "[::1]"}),
        ("[::]", {"127.0.0.1", "[::1]"}),
        ("::1", {"[::1]"}),
        ("[::1]", {"[::1]"}),
        ("0.0.0.0", {"127.0.0.1"}),
    ],
)
def test_server_listens_where_it_is_told(tmp_path: Path, host: str, answers: set[str]) -> None:
    folder, digest = published(tmp_path / "m")
    with serving(folder, "--digest", digest, "--host", host, ready=False) as server:
        local = "127.0.0.1" if "127.0.0.1" in answers else "[::1]"
        server.wait_until_ready(address=local)
        for address in ("127.0.0.1", "[::1]"):
            try:
                status = httpx.get(f"http://{address}:{server.port}/v2/health/ready").status_code
            except httpx.ConnectError:
                status = 0
            assert status == (200 if address in answers else 0)


def test_ports_that_are_the_same_are_refused(tmp_path: Path) -> None:
    port = str(free_port())
    with serving(tmp_path, "--port", port, "--direct-port", port, ready=False) as server:
        assert server.process.wait(20) == 2
        assert "must differ" in server.log.read_text()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--max-json-bytes", "8MB"), ("--max-body-bytes", "0"), ("--max-body-bytes", "3Gi"), ("--max-rows", "-1"),
     ("--max-receive-seconds", "nan")],
)  # fmt: skip
def test_limit_that_is_none_is_refused(tmp_path: Path, option: str, value: str) -> None:
    with serving(tmp_path, f"{option}={value}", ready=False) as server:
        assert server.process.wait(20) == 2
        assert option in server.log.read_text()


def test_limits_are_as_told_and_their_messages_say_how_to_raise_them(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "m")
    sizes = ("--max-json-bytes", "1Ki", "--max-body-bytes", "4096", "--max-rows", "3", "--max-receive-seconds", "0.5")
    with serving(folder, "--digest", digest, *sizes) as server:
        many = {"inputs": [ROW["inputs"][0] | {"shape": [200, 3], "data": [1.5] * 600}]}
        answer = server.infer(many)
        assert answer.status_code == 413
        assert "larger than 1024 bytes" in answer.json()["error"]
        assert "--max-json-bytes, or spec.limits.jsonSize of the ModelDeployment" in answer.json()["error"]
        answer = server.infer({"inputs": [ROW["inputs"][0] | {"shape": [2000, 3], "data": [1.5] * 6000}]})
        assert answer.status_code == 413
        assert "larger than 4096 bytes: --max-body-bytes, or spec.limits.bodySize" in answer.json()["error"]
        answer = httpx.post(f"{server.data}/predict", json=[{"x": [1, 2, 3]}] * 4)
        assert answer.status_code == 413
        assert "4 rows are more than 3: --max-rows, or spec.limits.rows" in answer.json()["error"]
        schema = httpx.get(f"{server.data}/openapi.json").json()
        assert '"maxItems": 3' in json.dumps(schema)
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as slow:
            slow.sendall(b"POST /predict HTTP/1.1\r\n")
            assert b"--max-receive-seconds, or spec.limits.receiveSeconds" in slow.recv(65536)


def test_larger_json_is_read_where_it_is_allowed(tmp_path: Path) -> None:
    folder, digest = published(tmp_path / "m")
    rows = 1_300_000
    body = (
        b'{"inputs":[{"name":"x","datatype":"FP32","shape":[%d,3],"data":[%b]}],"outputs":[{"name":"y","parameters":'
        % (
            rows,
            b"1.2345678," * (3 * rows - 1) + b"1",
        )
    )
    body += b'{"binary_data":true}}]}'
    with serving(folder, "--digest", digest, "--max-json-bytes", "48Mi") as server:
        assert len(body) > 32 << 20
        answer = httpx.post(server.data + server.infer_path, content=body, timeout=120)
        assert answer.status_code == 200
        assert len(answer.content) > 4 * rows


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_candidate_on_ipv6_is_reached(stable: Running, operator: Operator, tmp_path: Path, host: str) -> None:
    folder, digest = published(tmp_path / "second", scale=2.0)
    with serving(folder, "--digest", digest, "--host", host, revision="r2", ready=False) as other:
        other.wait_until_ready(address="[::1]")
        setting = operator.setting(other.direct_port, 100)
        target = Target(revision="r2", host=host, port=other.direct_port)
        assert operator.push(stable, msgspec.structs.replace(setting, candidate=target)).status_code == 200
        deadline = time.monotonic() + 10
        while not stable.monitor().forwards["r2"].reached:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert stable.infer().headers["modelward-revision"] == "r2"
