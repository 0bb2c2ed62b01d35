"""What the data and the direct port answer."""

from collections.abc import Awaitable, Callable

import orjson

from modelward_contracts.manifests import Batching
from modelward_serving.http.later import later
from modelward_serving.http.messages import Handler, Request
from modelward_serving.http.routing import Routes, fixed, shown
from modelward_serving.model.model import Model
from modelward_serving.model.plan import Plan
from modelward_serving.model.session import version as onnxruntime_version
from modelward_serving.monitor.report import Report
from modelward_serving.monitor.statistics import statistics
from modelward_serving.protocol import openapi, predict
from modelward_serving.protocol.interface import TensorSpec
from modelward_serving.scoring.batching import MAX_ROWS

EXTENSIONS = ["binary_tensor_data", "statistics", "model_configuration", "model_repository(index)"]


class ModelRoutes:
    """The protocol's paths for one model. `infer` differs between the ports: only the data port splits."""

    def __init__(
        self,
        model: Model,
        plan: Plan,
        whole: Callable[[], Awaitable[Report]],
        batching: Callable[[], Batching],
        max_rows: int,
    ) -> None:
        """`whole`: what all workers have counted. `batching`: as it is now."""
        self._model, self._plan, self._whole, self._batching = model, plan, whole, batching
        self._max_rows = max_rows

    def build(self, infer: Handler, ready: Callable[[], bool]) -> Routes:
        model, routes = self._model, health_routes(ready)
        routes.explain = self._explain
        routes.add(b"GET", "/", self._entrance())
        routes.add(b"GET", "/v2", fixed(200, self._server()))
        for base in (f"/v2/models/{model.name}", f"/v2/models/{model.name}/versions/{model.version}"):
            routes.add(b"GET", base, fixed(200, self._metadata()))
            routes.add(b"GET", f"{base}/ready", self._model_ready(ready))
            routes.add(b"GET", f"{base}/config", lambda request: request.respond(200, orjson.dumps(self._config())))
            routes.add(b"GET", f"{base}/stats", later(self._statistics))
            routes.add(b"POST", f"{base}/infer", infer)
        routes.add(b"GET", "/v2/models/stats", later(self._statistics))
        routes.add(b"POST", "/v2/repository/index", self._index(ready))
        for action in ("load", "unload"):
            routes.add(b"POST", f"/v2/repository/models/{model.name}/{action}", _not_here)
        for method, path in _unsupported(model.name, model.version):
            routes.add(method, path, _unsupported_answer)
        routes.add(b"POST", predict.PATH, infer)
        routes.add(b"GET", "/openapi.json", fixed(200, openapi.describe(model, self._max_rows)))
        page = openapi.page(model)
        routes.add(b"GET", "/docs", lambda request: request.respond(200, page, b"text/html; charset=utf-8"))
        return routes

    def _entrance(self) -> Handler:
        """For who opens the server's address: people get the page, programs what there is."""
        model = f"/v2/models/{self._model.name}"
        there = orjson.dumps(
            {
                "model": self._model.name,
                "version": self._model.version,
                "docs": "/docs",
                "openapi": "/openapi.json",
                "predict": predict.PATH,
                "metadata": model,
                "infer": f"{model}/infer",
                "ready": "/v2/health/ready",
            }
        )

        def answer(request: Request) -> None:
            if b"text/html" in request.headers.get(b"accept", b""):
                request.respond(307, there, extra=b"location: /docs\r\nvary: accept\r\n")
            else:
                request.respond(200, there)

        return answer

    async def _statistics(self, request: Request) -> None:
        report = await self._whole()
        request.respond(200, orjson.dumps(statistics(self._model.name, self._model.version, report)))

    def _index(self, ready: Callable[[], bool]) -> Handler:
        def answer(request: Request) -> None:
            state = "READY" if ready() else "UNAVAILABLE"
            entry = {"name": self._model.name, "version": self._model.version, "state": state, "reason": ""}
            request.respond(200, orjson.dumps([entry]))

        return answer

    def _server(self) -> dict[str, object]:
        return {
            "name": "modelward",
            "version": _own_version(),
            "extensions": EXTENSIONS,
            "models": [{"name": self._model.name, "version": self._model.version, "digest": self._model.digest}],
        }

    def _metadata(self) -> dict[str, object]:
        interface = self._model.interface
        return {
            "name": self._model.name,
            "versions": [self._model.version],
            "platform": "onnx_onnxv1",
            "inputs": list(map(_tensor, interface.inputs)),
            "outputs": list(map(_tensor, interface.outputs)),
            "parameters": {"digest": self._model.digest, "classes": orjson.dumps(interface.classes).decode()},
        }

    def _config(self) -> dict[str, object]:
        """As Triton's clients read it, and what this server has beyond."""
        batching, interface = self._batching(), self._model.interface
        together = interface.batches and batching.rows_independent
        return {
            "name": self._model.name,
            "platform": "onnx_onnxv1",
            "backend": f"onnxruntime {onnxruntime_version()}",
            "max_batch_size": MAX_ROWS if together else 0,
            "input": [_configured(spec, together) for spec in interface.inputs],
            "output": [_configured(spec, together) for spec in interface.outputs],
            "plan": self._plan.as_dict(),
            "batching": {"enabled": batching.rows_independent, "reason": batching.reason},
        }

    def _model_ready(self, ready: Callable[[], bool]) -> Handler:
        name = self._model.name

        def answer(request: Request) -> None:
            is_ready = ready()
            request.respond(200 if is_ready else 503, orjson.dumps({"name": name, "ready": is_ready}))

        return answer

    def _explain(self, _request: Request, path: bytes) -> str:
        parts = path.decode("utf-8", "replace").split("/")
        if parts[:3] == ["", "v2", "models"] and len(parts) > 3:
            if parts[3] != self._model.name:
                return f"unknown model '{parts[3][:200]}'; this server has '{self._model.name}'"
            if parts[4:5] == ["versions"] and parts[5:6] != [self._model.version]:
                return f"unknown version of '{self._model.name}'; this server has '{self._model.version}'"
        return f"there is nothing at {shown(path)}; GET / tells what there is"


def _not_here(request: Request) -> None:
    request.refuse(501, "models are loaded and unloaded by starting and stopping servers, not over this port")


def _unsupported(name: str, version: str) -> list[tuple[bytes, str]]:
    """What Triton has beyond the protocol, and this server has not."""
    models = (f"/v2/models/{name}", f"/v2/models/{name}/versions/{version}")
    settings = ("/v2/logging", "/v2/trace/setting", *(f"{model}/trace/setting" for model in models))
    generate = [f"{model}/{what}" for model in models for what in ("generate", "generate_stream")]
    return [(b"POST", path) for path in (*settings, *generate)] + [(b"GET", path) for path in settings]


def _unsupported_answer(request: Request) -> None:
    request.refuse(501, "this server has no generate, trace or logging extension; GET /v2 lists those it has")


def health_routes(ready: Callable[[], bool]) -> Routes:
    """All that is answered before a model is there."""
    routes = Routes()

    def answer_ready(request: Request) -> None:
        is_ready = ready()
        request.respond(200 if is_ready else 503, orjson.dumps({"ready": is_ready, "live": True}))

    routes.add(b"GET", "/v2/health/live", fixed(200, {"live": True}))
    routes.add(b"GET", "/v2/health/ready", answer_ready)
    return routes


def _tensor(spec: TensorSpec) -> dict[str, object]:
    described: dict[str, object] = {"name": spec.title, "datatype": spec.datatype.name, "shape": list(spec.shape)}
    if spec.any_rank:  # for which the protocol has no word
        described |= {"shape": [-1], "parameters": {"any_rank": True}}
    return described


def _configured(spec: TensorSpec, together: bool) -> dict[str, object]:
    """`together`: the first dimension is the batch's, which Triton leaves out."""
    name = "STRING" if spec.datatype.name == "BYTES" else spec.datatype.name
    dims = [-1] if spec.any_rank else spec.tail if together else spec.shape
    return {"name": spec.title, "data_type": f"TYPE_{name}", "dims": list(dims)}


def _own_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("modelward")
    except PackageNotFoundError:
        return "0"
