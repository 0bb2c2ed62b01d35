"""Requests as MLServer's codecs write them, and replies as they read them. Argument: host:port."""

import datetime
import sys

import numpy as np
import pandas as pd
import requests
from mlserver.codecs import Base64Codec, DatetimeCodec, NumpyCodec, PandasCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput

URL = f"http://{sys.argv[1]}/v2/models/m/infer"


def ask(request: InferenceRequest) -> InferenceResponse:
    reply = requests.post(URL, data=request.model_dump_json(), timeout=30)
    assert reply.status_code == 200, reply.text
    return InferenceResponse.model_validate_json(reply.text)


def frame() -> None:
    given = pd.DataFrame({"number": [1.5, 2.5], "count": [1, 2], "name": ["ü", "b"], "flag": [True, False]})
    taken = PandasCodec.decode_response(ask(PandasCodec.encode_request(given)))
    assert taken["count_out"].tolist() == [1, 2]
    assert taken["name_out"].tolist() == ["ü", "b"]


def named(name: RequestInput) -> str:
    request = InferenceRequest(
        inputs=[
            NumpyCodec.encode_input("number", np.array([[1.5]], np.float32)),
            NumpyCodec.encode_input("count", np.array([[1]])),
            NumpyCodec.encode_input("flag", np.array([[True]])),
            name,
        ]
    )
    outputs = {output.name: output for output in ask(request).outputs}
    return str(outputs["name_out"].data[0])


frame()
assert named(StringCodec.encode_input("name", ["x"])) == "x"
assert named(Base64Codec.encode_input("name", [b"hello"])) == "hello"
assert named(DatetimeCodec.encode_input("name", [datetime.datetime(2020, 1, 1)])) == "2020-01-01T00:00:00"  # noqa: DTZ001
