"""kserve's InferenceRESTClient, as its users write it. Argument: host:port."""

import asyncio
import sys

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

BASE = f"http://{sys.argv[1]}"
VALUES = {
    "number": (np.array([[1.5]], np.float32), "FP32"),
    "count": (np.array([[3]], np.int64), "INT64"),
    "name": (np.array([["x"]], object), "BYTES"),
    "flag": (np.array([[True]]), "BOOL"),
}


async def main() -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await client.is_server_live(BASE)
    assert await client.is_server_ready(BASE)
    assert await client.is_model_ready(BASE, "m")
    for binary in (False, True):
        tensors = []
        for name, (value, datatype) in VALUES.items():
            tensor = InferInput(name, list(value.shape), datatype)
            tensor.set_data_from_numpy(value, binary_data=binary)
            tensors.append(tensor)
        request = InferRequest(model_name="m", infer_inputs=tensors, request_id="a")
        response = await client.infer(BASE, request, model_name="m")
        assert response.id == "a"
        assert response.outputs[1].as_numpy().tolist() == [[3]]


asyncio.run(main())
