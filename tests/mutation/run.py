"""One mutation after the other: write it, wait until all is at rest, write what was there, wait again, and compare."""

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from localcluster.api import ApiServer
from modelward.engine.loop import API
from modelward.names import Manifest
from mutation.bases import BASES, DATASET, PLURALS, RUN, SERVED, Spec
from mutation.fields import ABSENT, Field, Path, changed, fields, schema_of, values
from mutation.oracles import difference, leaked, names_its_field, said, state
from mutation.quiet import same_in_other_words, why_quiet
from mutation.realm import NAMESPACE, Realm, RefusedError

_BESIDE = {"Dataset": DATASET, "TrainingRun": RUN, "ModelDeployment": SERVED}
_NAMES = {"TrainingRun": "flights-a"}


class Case(NamedTuple):
    field: Field
    value: Any
    spec: Spec

    @property
    def title(self) -> str:
        shown = "left out" if self.value is ABSENT else repr(self.value)
        return f"{self.field.name} = {shown[:80]}"


@dataclass
class Found:
    """Of one kind."""

    fields: int = 0
    tried: int = 0
    refused: int = 0
    lives: int = 0
    with_effect: int = 0
    quiet: Counter[str] = field(default_factory=Counter)
    """Accepted without a visible effect, by the reason why that is right."""
    problems: list[str] = field(default_factory=list)


async def mutate(
    server: ApiServer, kind: str, base: int, *, seed: int = 0, lives: int = 1_000_000, every: int = 1
) -> Found:
    """`lives`: how many accepted mutations are lived through, drawn by lot. `every`: which fields are tried at all."""
    found, original = Found(), BASES[kind][base]
    async with Realm.on(server) as realm:
        await _settled(realm, kind, original)
        accepted = list(_admitted(realm, kind, original, found, every))
        for case in _drawn(accepted, lives, random.Random(seed)):
            try:
                await (_run(realm, case, found) if kind == "TrainingRun" else _life(realm, kind, case, original, found))
            except (AssertionError, RefusedError) as error:
                found.problems.append(f"{kind} {case.title}: {type(error).__name__}: {str(error)[:500]}")
                break  # nothing after this would say anything
    return found


def _drawn(cases: list[Case], most: int, lots: random.Random) -> list[Case]:
    """From each part of the spec in its turn: most fields are those of pods."""
    lots.shuffle(cases)
    taken: Counter[str] = Counter()
    ranked = []
    for case in cases:
        part = ".".join(case.field.name.split(".")[:3])
        taken[part] += 1
        ranked.append((taken[part], case))
    return [case for _, case in sorted(ranked, key=lambda each: each[0])[:most]]


async def _settled(realm: Realm, kind: str, original: Spec) -> None:
    realm.put("Dataset", "parent", DATASET)
    for beside, spec in _BESIDE.items():
        realm.put(beside, _NAMES.get(beside, "flights"), original if beside == kind != "TrainingRun" else spec)
    if kind == "RegisteredModel":
        realm.put(kind, "flights", original)
    await realm.settle()


def _admitted(realm: Realm, kind: str, original: Spec, found: Found, every: int) -> Iterator[Case]:
    """Up to two of each field that are taken; what is refused names its field."""
    schema = schema_of(PLURALS[kind])
    for each in itertools.islice(fields(schema), 0, None, every):
        found.fields += 1
        taken = 0
        for value in (*values(each.schema), ABSENT):
            case = Case(each, value, changed(original, schema, each.path, value))
            if case.spec == original:
                continue
            found.tried += 1
            if refusal := realm.mirror.try_out(_manifest(kind, case.spec, realm)):
                found.refused += 1
                if not names_its_field(refusal, each.name, _is_there(original, each.path[:-1])):
                    found.problems.append(f"{kind} {case.title}: refused without its name: {refusal[:300]}")
            elif taken < 2:
                taken += 1
                yield case


def _is_there(spec: Any, path: Path) -> bool:
    for step in path:
        try:
            spec = spec[step]
        except (LookupError, TypeError):
            return False
    return True


def _manifest(kind: str, spec: Spec, realm: Realm) -> Manifest:
    name = "mutant" if kind == "TrainingRun" else "flights"
    live = realm.controllers.get(kind, name)
    metadata = live["metadata"] if live else {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


async def _life(realm: Realm, kind: str, case: Case, original: Spec, found: Found) -> None:
    before, refused, failed, writes = state(realm), realm.streets.refused, realm.streets.failed, len(realm.writes)
    found.lives += 1
    realm.put(kind, "flights", case.spec)
    await realm.settle()
    mutant = realm.controllers.get(kind, "flights")
    assert mutant
    effect = difference(before, state(realm)) or [w for w in realm.writes[writes:] if w != f"status {kind} flights"]
    answer = said(mutant)
    _judge_effect(case, kind, found, bool(effect), same_in_other_words(kind, case.spec, original))
    if not answer:
        found.problems.append(f"{kind} {case.title}: no condition of this generation")
    realm.put(kind, "flights", original)
    await realm.settle()
    problems = [f"not as before: {each}" for each in difference(before, state(realm))]
    problems += [*leaked(realm), *realm.complaints.said]
    if not _asks_for_no_pods(case) and (realm.streets.refused, realm.streets.failed) != (refused, failed):
        problems.append(f"clients got no answer: {realm.streets.refused - refused} refused")
    realm.complaints.said.clear()
    found.problems += [f"{kind} {case.title}: {problem}" for problem in problems[:3]]


async def _run(realm: Realm, case: Case, found: Found) -> None:
    """A run cannot be changed: each mutant is one of its own, and is taken away again."""
    before, versions = state(realm), {v["metadata"]["name"] for v in realm.find("ModelVersion")}
    found.lives += 1
    realm.put("TrainingRun", "mutant", case.spec)
    await realm.settle()
    mutant = realm.controllers.get("TrainingRun", "mutant")  # gone, where it says ttlSecondsAfterFinished: 0
    problems = ["no condition of this generation"] if mutant and not said(mutant) else []
    _judge_effect(case, "TrainingRun", found, True)
    realm.kube.remove(API, "TrainingRun", NAMESPACE, "mutant")
    for name in {v["metadata"]["name"] for v in realm.find("ModelVersion")} - versions:
        realm.kube.remove(API, "ModelVersion", NAMESPACE, name)
    await realm.settle()
    problems += [f"not as before: {each}" for each in difference(before, state(realm))]
    problems += [*leaked(realm), *realm.complaints.said]
    realm.complaints.said.clear()
    found.problems += [f"TrainingRun {case.title}: {problem}" for problem in problems[:3]]


def _judge_effect(case: Case, kind: str, found: Found, effect: bool, same: bool = False) -> None:
    if effect:
        found.with_effect += 1
    elif same:
        found.quiet["the same in other words"] += 1
    elif reason := why_quiet(kind, case.field.name):
        found.quiet[reason] += 1
    else:
        found.problems.append(f"{kind} {case.title}: accepted, and nothing came of it")


def _asks_for_no_pods(case: Case) -> bool:
    return case.field.name == "spec.replicas"


async def immutable(server: ApiServer, kind: str = "ModelVersion") -> Found:
    """What the operator registered; nobody may change any field of it."""
    found, schema = Found(), schema_of(PLURALS[kind])
    async with Realm.on(server) as realm:
        await _settled(realm, "Dataset", DATASET)
        live = realm.controllers.get(kind, "flights-1")
        assert live
        for each in fields(schema):
            found.fields += 1
            for value in (*values(each.schema), ABSENT):
                spec = changed(live["spec"], schema, each.path, value)
                if spec != live["spec"]:
                    _refused(realm, {**live, "spec": spec}, f"{kind} {each.name} = {value!r}", found)
    return found


def _refused(realm: Realm, mutant: Manifest, title: str, found: Found) -> None:
    found.tried += 1
    if realm.mirror.try_out(mutant):
        found.refused += 1
    else:
        found.problems.append(f"{title[:200]}: taken, although it is immutable")
