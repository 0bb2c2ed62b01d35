"""A cluster of our own in the user's Docker engine, by kind, k3d or minikube.

It has a name and a kubeconfig of its own: neither other clusters nor the user's contexts are touched. The kubeconfig
lies in the cache from before the cluster is made until after it is gone, and says that it is ours.
"""

import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from localcluster import docker, paths, progress
from localcluster.images import Image
from localcluster.progress import step

NAME = "modelward-demo"
WAIT = "5m"


class Tool(ABC):
    """One of the three commands."""

    name: ClassVar[str]

    @property
    def kubeconfig(self) -> Path:
        """Of the cluster."""
        return paths.cache() / f"{NAME}.{self.name}.kubeconfig"

    @abstractmethod
    def names(self) -> list[str]:
        """The clusters that it knows."""

    @abstractmethod
    def make(self) -> None:
        """A new cluster, ready, with its kubeconfig in place."""

    @abstractmethod
    def take(self, image: Image) -> None:
        """Give the cluster's node an image."""

    @abstractmethod
    def delete(self) -> None:
        """The cluster."""

    def up(self) -> Path:
        """Make the cluster, and return its kubeconfig."""
        if NAME in self.names():
            raise SystemExit(
                f"{self.name} has a cluster {NAME} that no demo made: delete it, or choose something else with "
                "CLUSTER=kind, k3d, minikube or local"
            )
        self.kubeconfig.touch(mode=0o600)
        with step(f"cluster {NAME}, by {self.name}"):
            self.make()
        return self.kubeconfig

    def load(self, images: Iterable[Image]) -> None:
        """Give the cluster's node these images."""
        for image in images:
            with step(f"loading {image.name} into cluster {NAME}"):
                self.take(image)

    def down(self) -> None:
        """Take away what `up` made, as far as it came; nothing happens to what it did not make."""
        if self.kubeconfig.exists():
            if NAME in self.names():
                with step(f"taking cluster {NAME} down"):
                    self.delete()
            self.kubeconfig.unlink()

    def run(self, *words: str | Path) -> str:
        """What the command printed. Whatever it would write into a kubeconfig, it writes into ours."""
        return progress.run([self.name, *words], env={**os.environ, "KUBECONFIG": str(self.kubeconfig)})


class Kind(Tool):
    """kind, from v0.8 on."""

    name = "kind"

    def names(self) -> list[str]:
        return self.run("get", "clusters").splitlines()

    def make(self) -> None:
        self.run("create", "cluster", "--name", NAME, "--kubeconfig", self.kubeconfig, "--wait", WAIT)

    def take(self, image: Image) -> None:
        self.run("load", "docker-image", image.reference, "--name", NAME)

    def delete(self) -> None:
        self.run("delete", "cluster", "--name", NAME, "--kubeconfig", self.kubeconfig)


class K3d(Tool):
    """k3d, from v5 on."""

    name = "k3d"

    def names(self) -> list[str]:
        return [each["name"] for each in json.loads(self.run("cluster", "list", "--output", "json"))]

    def make(self) -> None:
        self.run("cluster", "create", NAME, "--kubeconfig-update-default=false", "--wait", "--timeout", WAIT)
        self.kubeconfig.write_text(self.run("kubeconfig", "get", NAME))

    def take(self, image: Image) -> None:
        self.run("image", "import", image.reference, "--cluster", NAME)

    def delete(self) -> None:
        self.run("cluster", "delete", NAME)


class Minikube(Tool):
    """minikube, from v1.31 on."""

    name = "minikube"

    def names(self) -> list[str]:
        listed = json.loads(self.run("profile", "list", "--output", "json"))
        return [each["Name"] for key in ("valid", "invalid") for each in listed.get(key) or []]

    def make(self) -> None:
        size = ("--cpus", "no-limit", "--memory", "no-limit")
        self.run("start", "--profile", NAME, "--driver", "docker", *size, "--wait", "all", "--interactive=false")

    def take(self, image: Image) -> None:
        # By name it would leave a copy in the user's ~/.minikube.
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder, "image.tar")
            docker.save(image, archive)
            self.run("image", "load", archive, "--profile", NAME)

    def delete(self) -> None:
        self.run("delete", "--profile", NAME)


TOOLS: tuple[Tool, ...] = (Kind(), K3d(), Minikube())


def chosen(wanted: str) -> Tool | None:
    """The tool of that name, or the first that is there; None: a node without Docker."""
    there = [tool for tool in TOOLS if shutil.which(tool.name)]
    if wanted == "local" or (not wanted and not (there and docker.runs())):
        return None
    found = next((tool for tool in there if wanted in ("", tool.name)), None)
    if found is None:
        raise SystemExit(f"CLUSTER={wanted}: {wanted} is not on PATH")
    if not docker.runs():
        raise SystemExit(f"CLUSTER={wanted}: `docker info` fails: start the Docker engine, or write CLUSTER=local")
    return found
