"""What the data and the direct port answer."""

from collections.abc import Awaitable, Callable

import orjson

from modelward_serving.http.later import later
from modelward_serving.http.messages import Handler, Request
from modelward_serving.http.routing import Routes, fixed, shown
from modelward_serving.model.model import Model
from modelward_serving.model.plan import Plan
from modelward_serving.model.session import version as onnxruntime_version
from modelward_serving.monitor.report import Report
from modelward_serving.monitor.statistics import statistics
from modelward_serving.protocol import openapi, predict

EXTENSIONS = ["binary_tensor_data", "statistics", "model_configuration", "model_repository(index)"]


class ModelRoutes:
    """The protocol's paths for one model. `infer` differs between the ports: only the data port splits."""

    def __init__(self, model: Model, plan: Plan, whole: Callable[[], Awaitable[Report]]) -> None:
        """`whole`: what all workers have counted."""
        self._model, self._plan, self._whole = model, plan, whole

    def build(self, infer: Handler, ready: Callable[[], bool]) -> Routes:
        model, routes = self._model, health_routes(ready)
        routes.explain = self._explain
        routes.add(b"GET", "/v2", fixed(200, self._server()))
        for base in (f"/v2/models/{model.name}", f"/v2/models/{model.name}/versions/{model.version}"):
            routes.add(b"GET", base, fixed(200, self._metadata()))
            routes.add(b"GET", f"{base}/ready", self._model_ready(ready))
            routes.add(b"GET", f"{base}/config", fixed(200, self._config()))
            routes.add(b"GET", f"{base}/stats", later(self._statistics))
            routes.add(b"POST", f"{base}/infer", infer)
        routes.add(b"GET", "/v2/models/stats", later(self._statistics))
        routes.add(b"POST", "/v2/repository/index", self._index(ready))
        for action in ("load", "unload"):
            routes.add(b"POST", f"/v2/repository/models/{model.name}/{action}", _not_here)
        for method, path in _unsupported(model.name, model.version):
            routes.add(method, path, _unsupported_answer)
        routes.add(b"POST", predict.PATH, infer)
        routes.add(b"GET", "/openapi.json", fixed(200, openapi.describe(model)))
        page = openapi.page(model)
        routes.add(b"GET", "/docs", lambda request: request.respond(200, page, b"text/html; charset=utf-8"))
        return routes

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
            "inputs": [_tensor(spec.title, spec.datatype.name, spec.shape) for spec in interface.inputs],
            "outputs": [_tensor(spec.title, spec.datatype.name, spec.shape) for spec in interface.outputs],
            "parameters": {"digest": self._model.digest, "classes": orjson.dumps(interface.classes).decode()},
        }

    def _config(self) -> dict[str, object]:
        return {
            "name": self._model.name,
            "platform": "onnx_onnxv1",
            "backend": f"onnxruntime {onnxruntime_version()}",
            "plan": self._plan.as_dict(),
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
        return f"there is nothing at {shown(path)}"


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


def _tensor(name: str, datatype: str, shape: tuple[int, ...]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": list(shape)}


def _own_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("modelward")
    except PackageNotFoundError:
        return "0"
