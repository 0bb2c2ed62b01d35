"""A node of a benchmark's own, with Modelward installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from cluster.world import World
from localcluster import bringup, images, install, parts, teardown


@contextmanager
def node(cluster: str) -> Iterator[World]:
    """With Modelward installed and its images there; taken down afterwards."""
    up = bringup.up(cluster)
    try:
        built = images.build()
        images.load(up, built)
        references = images.references(built)
        install.install(up.plane.kubeconfig(), references)
        yield World(parts.kubectl(), up.plane.kubeconfig(), up.plane.audit_log, references, "default")
    finally:
        teardown.down(cluster)


def new_namespace(world: World, name: str) -> World:
    """Under Pod Security `restricted`."""
    world.kubectl("create", "namespace", name)
    world.kubectl("label", "namespace", name, install.RESTRICTED)
    return replace(world, namespace=name)
