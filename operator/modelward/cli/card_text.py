"""A model card's story as Markdown."""

from collections.abc import Iterator, Sequence
from typing import Any

from modelward.api.imported import ImportSpec
from modelward.api.model_version import Searched
from modelward.api.training_run import Cause
from modelward_contracts.metrics import MAIN

from .chain import in_words, sought
from .cluster import Story
from .in_words import listed, when
from .markdown import code, number, pairs, table, title

SHOWN = 20


def text_of(story: Story) -> str:
    parts = (_head, _model, _data, _quality, _slices, _calibration, _importance, _limits, _lineage, _people, _served)
    return "\n".join(line for part in parts for line in part(story))


def _head(story: Story) -> Iterator[str]:
    yield f"# {story['name']}"
    yield ""
    data = story["data"]
    label = f" of {code(data['label'])}" if data and data["label"] else ""
    yield (
        f"Version {story['version']} of model {story['modelName']}, a {story['task']}{label}, registered"
        f" {when(story['registered'])}."
    )
    if story["alias"]:
        yield f"It is {story['alias']}."
    verified = story["verified"]
    if verified is None:
        yield "It is not verified yet."
    else:
        passed = verified["status"] == "True"
        yield f"{'Verified' if passed else 'Not verified, and not served'}: {verified['message']}."


def _model(story: Story) -> Iterator[str]:
    yield from title("What it is")
    signature = story["signature"]
    yield from table(("input", "type", "shape"), map(_tensor, signature["inputs"][:SHOWN]))
    yield from _more(signature["inputs"], "inputs")
    yield from table(("output", "type", "shape"), map(_tensor, signature["outputs"]))
    if classes := signature["classes"]:
        yield f"Classes: {listed([code(name) for name in classes], SHOWN)}."
    size, memory = story["model"]["bytes"], story["memoryBytes"]
    yield f"ONNX of {size:,} bytes" + (f", {memory:,} bytes once it is loaded" if memory else "") + "."
    yield f"Digest {code(story['digest'])}, of the model alone {code(story['model']['digest'])}."


def _tensor(tensor: Story) -> tuple[str, ...]:
    return code(tensor["name"]), tensor["datatype"], " × ".join("rows" if n < 0 else str(n) for n in tensor["shape"])


def _data(story: Story) -> Iterator[str]:
    yield from title("The data")
    data, lineage = story["data"], story["lineage"]
    if data is None:
        yield f"{lineage['datasetVersion']}, which is deleted or not for you to see: {code(lineage['datasetDigest'])}."
        return
    rows, bounds = data["splitRows"], data["splitBoundaries"]
    yield f"{lineage['datasetVersion']} of Dataset {data['dataset']}, {data['rows']:,} rows."
    if data["from"]:
        yield f"From {data['from']} to {data['to']}."
    split = f", validation from {bounds['validation']} and test from {bounds['test']} on" if bounds else ""
    yield f"Train {rows['train']:,}, validation {rows['validation']:,}, test {rows['test']:,} rows{split}."
    yield ""
    yield from (f"- look at: {warning}" for warning in data["warnings"])


def _quality(story: Story) -> Iterator[str]:
    yield from title("How good it is")
    baselines = story["baselines"]
    head = ("metric", "test", "validation", *(f"baseline {each['name']}" for each in baselines))
    others = [story["validationMetrics"], *(each["metrics"] for each in baselines)]
    test: dict[str, float] = story["metrics"]
    yield from table(head, ((name, number(test[name]), *(number(o.get(name)) for o in others)) for name in test))
    yield from (f"- {'passed' if gate['passed'] else 'MISSED'}: {_gate(gate)}" for gate in story["gates"])
    yield ""
    if parity := story["parity"]:
        yield f"Beside its native predictions: {pairs(parity)}."
    if latency := story["latencySeconds"]:
        yield f"Seconds for an answer: {pairs(latency)}."


def _gate(gate: Story) -> str:
    return gate.get("message") or f"{gate['metric']} {number(gate.get('value'))} ({gate['bound']})"


def _slices(story: Story) -> Iterator[str]:
    if not (slices := story["slices"]):
        return
    yield from title("On whom it is worse")
    names = list(dict.fromkeys([*(name for name in MAIN if name in story["metrics"]), *slices[0]["metrics"]]))[:5]
    rows = (
        (
            f"{code(each['column'])} = {code(each['value'])}",
            f"{each['rows']:,}" + ("" if each["counted"] else " (few)"),
            f"{100 * each['share']:.3g} %",
            *(number(each["metrics"].get(name)) for name in names),
        )
        for each in slices
    )
    yield from table(("slice", "rows", "share", *names), rows)
    everybody = {name: story["metrics"][name] for name in names if name in story["metrics"]}
    yield f"Of all test rows: {pairs(everybody)}. The worst are first; any more of them lie in the store."


def _calibration(story: Story) -> Iterator[str]:
    error = story["metrics"].get("calibration_error")
    if error is None:
        return
    yield from title("How sure it is")
    yield f"What it gives as probability is off by {100 * error:.2g} points in the mean (calibration_error)."
    if story.get("evaluation"):
        yield f"The bins lie in the store: {code(story['evaluation'])}."


def _importance(story: Story) -> Iterator[str]:
    if not (found := story["importance"]):
        return
    yield from title("What matters to it")
    yield f"How much worse {found[0]['metric']} is where a column is shuffled, with its 95 % interval:"
    yield ""
    rows = (
        (code(each["column"]), number(each["loss"]), f"{number(each['low'])} … {number(each['high'])}")
        for each in found
    )
    yield from table(("column", "loss", "interval"), rows)


def _limits(story: Story) -> Iterator[str]:
    yield from title("Limits")
    yield from (f"- {limit}" for limit in story["limits"] or ["none are known"])


def _lineage(story: Story) -> Iterator[str]:
    yield from title("Where it comes from")
    lineage = story["lineage"]
    yield f"- TrainingRun {lineage['trainingRun']} ({_code_of(lineage)})"
    if search := lineage.get("search"):
        yield f"- {sought(Searched.model_validate(search), code)}"
    if cause := lineage.get("cause"):
        yield f"- because: {in_words(Cause.model_validate(cause))}"
    yield f"- data {code(lineage['datasetDigest'])}"
    yield f"- the same data, image, code and parameters give {code(lineage['inputsHash'])}"


def _code_of(lineage: Story) -> str:
    if imported := (lineage.get("trainedAs") or {}).get("import"):
        found = ImportSpec.model_validate(imported)
        return f"imported from {code(found.place)}, {code(found.digest)}"
    script = lineage.get("script") or {}
    if script.get("commit"):
        return f"{code(script.get('path', ''))} of {script.get('url', '')} at commit {code(script['commit'])}"
    if script:
        return f"script of ConfigMap {script.get('configMap', '')}, {code(script.get('digest', ''))}"
    if lineage.get("image"):
        return f"image {code(lineage['image'])}"
    return f"estimator {lineage.get('estimator', 'unknown')}"


def _people(story: Story) -> Iterator[str]:
    yield from title("Who let it in")
    words = [(word, f"is {word['name']}", f"is not {word['name']} any more") for word in story["aliases"]]
    words += [(word, "is approved", "is not approved any more") for word in story["approvals"]]
    if not words:
        yield "Nobody has approved it or given it an alias."
    for word, begins, ends in sorted(words, key=lambda each: str(each[0]["time"])):
        why = f": {word['why']}" if word.get("why") else ""
        yield f"- {when(word['time'])}: it {ends if word.get('removed') else begins}, by {_who(word)}{why}"


def _who(word: Story) -> str:
    return f"{word['by']}{'' if word['verified'] else ' (unverified)'}" if word.get("by") else "annotation"


def _served(story: Story) -> Iterator[str]:
    yield from title("Where it serves and served")
    if served := story["deployments"]:
        yield from table(("deployment", "as", "since", "until", "why"), map(_role, served))
    else:
        yield "Nowhere yet."


def _role(each: Story) -> tuple[str, ...]:
    until = when(each["until"]) if each.get("until") else ""
    return each["deployment"], each["role"], when(each["since"]), until, each.get("why") or ""


def _more(found: Sequence[Any], what: str) -> Iterator[str]:
    if len(found) > SHOWN:
        yield f"{len(found) - SHOWN:,} {what} more."
        yield ""
