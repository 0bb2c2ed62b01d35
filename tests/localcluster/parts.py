"""The programs a cluster is made of, each built once from a go.mod into the cache that all checkouts share."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localcluster import locks, paths
from localcluster.progress import say

KUBERNETES = "v1.35.4"
_VERSION = "k8s.io/component-base/version"
_STAMP = {"gitVersion": KUBERNETES, "gitMajor": "1", "gitMinor": "35", "gitTreeState": "clean"}
_LINK = " ".join(["-s", "-w", *(f"-X {_VERSION}.{name}={value}" for name, value in _STAMP.items())])
_BUILD = ("go", "build", "-trimpath", "-buildvcs=false", "-tags=providerless", f"-ldflags={_LINK}")


@dataclass(frozen=True)
class Part:
    """One program: a package of a required module, or of our own under cmd/."""

    name: str
    package: str
    module: Path = paths.MODULE
    """The folder of its go.mod."""

    @property
    def key(self) -> str:
        """Changes whenever the program could come out different."""
        digest = hashlib.sha256("\0".join((self.package, *_BUILD)).encode())
        for file in (self.module / "go.mod", self.module / "go.sum", *self._own_sources()):
            digest.update(file.read_bytes())
        return f"{self.name}-{digest.hexdigest()[:12]}"

    @property
    def path(self) -> Path:
        """Where the built program is, or will be."""
        return paths.cache() / "parts" / self.key / self.name

    def source(self, module: str) -> Path:
        """The files of a module that it is built from: charts and CRDs lie there."""
        command = ["go", "mod", "download", "-json", module]
        told = subprocess.run(command, cwd=self.module, check=True, capture_output=True, text=True).stdout
        return Path(json.loads(told)["Dir"])

    def _own_sources(self) -> list[Path]:
        return sorted((self.module / self.package).glob("*.go")) if self.package.startswith("./") else []


def _kubernetes(name: str) -> Part:
    return Part(name, f"k8s.io/kubernetes/cmd/{name}")


API = (Part("etcd", "go.etcd.io/etcd/server/v3"), _kubernetes("kube-apiserver"), _kubernetes("kube-controller-manager"))
HELM = Part("helm", "helm.sh/helm/v3/cmd/helm")
NODE = (
    *API,
    *(_kubernetes(name) for name in ("kube-scheduler", "kubelet", "kube-proxy", "kubectl")),
    Part("coredns", "./cmd/coredns"),
    Part("provisioner", "./cmd/provisioner"),
    Part("pause", "./cmd/pause"),
    HELM,
)
VERSITYGW = Part("versitygw", "github.com/versity/versitygw/cmd/versitygw", paths.MODULE.parent / "objectstore")
KUEUE = Part("kueue", "sigs.k8s.io/kueue/cmd/kueue", paths.MODULE.parent / "kueue")
TRAINER = Part(
    "trainer", "github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager", paths.MODULE.parent / "trainer"
)
JOBSET = Part("jobset", "sigs.k8s.io/jobset", paths.MODULE.parent / "jobset")
KWOK = Part("kwok", "sigs.k8s.io/kwok/cmd/kwok", paths.MODULE.parent / "kwok")
SCALE = (*API, next(part for part in NODE if part.name == "kube-scheduler"), KWOK)
ARGOCD = Part("argocd", "./cmd/argocd", paths.MODULE.parent / "argocd")
CHECKS = tuple(
    Part(name, f"github.com/{owner}/{name}/cmd/{name}", paths.MODULE.parent / "checks")
    for owner, name in (("rhysd", "actionlint"), ("zegl", "kube-score"))
)
LEVELS = {
    "api": (*API, ARGOCD),
    "node": NODE,
    "unit": (VERSITYGW,),
    "queue": (KUEUE,),
    "engine": (TRAINER, JOBSET),
    "checks": (HELM, *CHECKS),
    "scale": SCALE,
}


@cache
def program(name: str) -> Path:
    """The path of a program, built now if it never was."""
    part = next(part for part in (*NODE, *CHECKS) if part.name == name)
    build([part])
    return part.path


@cache
def kubectl() -> Path:
    """The machine's own kubectl, or the one built here."""
    found = shutil.which("kubectl")
    return Path(found) if found else program("kubectl")


@cache
def helm() -> Path:
    """The one that was built here, or the machine's own."""
    found = None if HELM.path.exists() else shutil.which("helm")
    return Path(found) if found else program("helm")


def build(parts: Iterable[Part]) -> None:
    """Build what the cache lacks, one after the other: each uses all cores by itself."""
    for part in parts:
        if not part.path.exists():
            with locks.held(part.key):
                if not part.path.exists():
                    _build(part)


def _build(part: Part) -> None:
    if not shutil.which("go"):
        raise SystemExit(
            "what tests run on is built by Go 1.26 or later, which is not on PATH: see https://go.dev/doc/install"
        )
    scratch = part.path.parent.with_suffix(f".{os.getpid()}")
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        _compile(part, scratch / part.name)
        shutil.rmtree(part.path.parent, ignore_errors=True)
        scratch.rename(part.path.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _compile(part: Part, target: Path) -> None:
    start, finished = time.monotonic(), threading.Event()
    ticker = threading.Thread(target=_tick, args=(part.name, start, finished), daemon=True)
    ticker.start()
    try:
        command = [*_BUILD, "-o", str(target), part.package]
        subprocess.run(command, cwd=part.module, env={**os.environ, "CGO_ENABLED": "0"}, check=True)
    except subprocess.CalledProcessError:
        raise SystemExit(f"go could not build {part.name}; its own words are above") from None
    finally:
        finished.set()
        ticker.join()
    say(f"built {part.name}: {time.monotonic() - start:.0f} s, {target.stat().st_size / 1e6:.0f} MB")


def _tick(name: str, start: float, finished: threading.Event) -> None:
    say(f"building {name} …")
    while not finished.wait(15):
        say(f"building {name} … {time.monotonic() - start:.0f} s")
