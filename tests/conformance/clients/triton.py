"""tritonclient, sync and aio, as its users write it. Argument: host:port."""

import asyncio
import sys

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from google.protobuf.json_format import ParseDict
from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

URL = sys.argv[1]
KINDS = {"number": "FP32", "count": "INT64", "name": "BYTES", "flag": "BOOL"}


def inputs(binary: bool) -> list[http.InferInput]:
    values = {
        "number": np.array([[1.5], [np.nan if binary else 2.5]], np.float32),
        "count": np.array([[1], [2]], np.int64),
        "name": np.array([["ü"], ["b"]], object),
        "flag": np.array([[True], [False]]),
    }
    tensors = []
    for name, value in values.items():
        tensor = http.InferInput(name, value.shape, KINDS[name])
        tensor.set_data_from_numpy(value, binary_data=binary)
        tensors.append(tensor)
    return tensors


def sync() -> None:
    client = http.InferenceServerClient(URL)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("m")
    assert client.is_model_ready("m", "1")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert [tensor["name"] for tensor in client.get_model_metadata("m")["inputs"]] == list(KINDS)
    config = ParseDict(client.get_model_config("m"), ModelConfig(), ignore_unknown_fields=True)
    assert config.max_batch_size > 0
    assert [(tensor.name, list(tensor.dims)) for tensor in config.input] == [(name, [1]) for name in KINDS]
    assert config.output[2].data_type == DataType.TYPE_STRING
    assert client.get_model_repository_index()[0]["state"] == "READY"
    for binary in (True, False):
        for compression in (None, "gzip", "deflate"):
            result = client.infer(
                "m",
                inputs(binary),
                request_id="7",
                request_compression_algorithm=compression,
                response_compression_algorithm=compression,
            )
            assert result.get_response()["id"] == "7"
            assert result.as_numpy("count_out").tolist() == [[1], [2]]
            assert result.as_numpy("name_out").ravel()[0].decode() == "ü"
        outputs = [
            http.InferRequestedOutput("name_out", binary_data=False),
            http.InferRequestedOutput("flag_out", binary_data=True),
        ]
        result = client.infer("m", inputs(binary), outputs=outputs, model_version="1")
        assert result.as_numpy("flag_out").tolist() == [[True], [False]]
        assert result.as_numpy("count_out") is None
    assert client.get_inference_statistics("m")["model_stats"][0]["inference_stats"]["success"]["count"] == 8
    refusal = ""
    try:
        client.infer("other", inputs(True))
    except http.InferenceServerException as error:
        refusal = str(error)
    assert "unknown model 'other'" in refusal


async def asynchronous() -> None:
    client = aio.InferenceServerClient(URL)
    assert await client.is_server_ready()
    result = await client.infer("m", inputs(True))
    np.testing.assert_array_equal(result.as_numpy("number_out"), np.float32([[1.5], [np.nan]]))
    await client.close()


sync()
asyncio.run(asynchronous())
