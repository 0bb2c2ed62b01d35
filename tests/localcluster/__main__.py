"""`python -m localcluster …`: the local cluster's commands. Results go to stdout, progress to stderr."""

import argparse
import json

from localcluster import bringup, images, parts, paths, proof, publish, teardown
from localcluster.cluster import Cluster
from localcluster.progress import step


def main() -> None:
    """Run one command."""
    arguments = _parser().parse_args()
    arguments.command(arguments)


def _parts(arguments: argparse.Namespace) -> None:
    parts.build(parts.LEVELS[arguments.level])
    for part in parts.LEVELS[arguments.level]:
        print(f"{part.name}\t{part.path}")


def _up(arguments: argparse.Namespace) -> None:
    with step(f"cluster {arguments.name} is up"):
        found = bringup.up(arguments.name)
    print(json.dumps(found.describe(), indent=1))


def _down(arguments: argparse.Namespace) -> None:
    names = paths.cluster_names() if arguments.all else [arguments.name]
    for name in names:
        teardown.down(name)
        if left := teardown.leftovers(name):
            raise SystemExit("\n".join([f"cluster {name} left something behind:", *left]))


def _status(arguments: argparse.Namespace) -> None:
    names = [arguments.name] if arguments.name else paths.cluster_names()
    print(json.dumps([Cluster.get(name).describe() for name in names], indent=1))


def _kubeconfig(arguments: argparse.Namespace) -> None:
    print(Cluster.get(arguments.name).plane.kubeconfig())


def _kubectl(arguments: argparse.Namespace) -> None:
    print(parts.kubectl())


def _inside(arguments: argparse.Namespace) -> None:
    print(Cluster.get(arguments.name).inside(*arguments.words), end="")


def _prove(arguments: argparse.Namespace) -> None:
    proof.prove(arguments.name)


def _images(arguments: argparse.Namespace) -> None:
    if arguments.push:
        print(json.dumps(publish.publish(arguments.push, arguments.tag, arguments.base), indent=1))
        return
    built = images.build(arguments.extra)
    if arguments.load:
        images.load(Cluster.get(arguments.name), built)
    print(json.dumps(images.references(built), indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localcluster", description="A real Kubernetes on this machine, without Docker."
    )
    commands = parser.add_subparsers(required=True)

    def command(name: str, run: object, help_: str, *, named: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_, description=help_)
        added.set_defaults(command=run)
        if named:
            added.add_argument("--name", default="modelward", help="the cluster's name (default: %(default)s)")
        return added

    built = command("parts", _parts, "build the programs of a level once, and print where they are", named=False)
    built.add_argument("level", nargs="?", choices=sorted(parts.LEVELS), default="node")
    command("up", _up, "bring a cluster up, or find it already up; print what it is and where")
    down = command("down", _down, "take a cluster away, whatever state it is in, and check that nothing is left")
    down.add_argument("--all", action="store_true", help="every cluster on this machine")
    status = command("status", _status, "describe one cluster, or all", named=False)
    status.add_argument("--name")
    command("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig")
    command("kubectl", _kubectl, "print the path of a kubectl that works", named=False)
    command("prove", _prove, "prove that this machine can run a cluster, and that it leaves nothing behind")
    inside = command("inside", _inside, "run a command in the node's namespaces")
    inside.add_argument("words", nargs="+")
    built = command("images", _images, "build our images as far as they changed; print their names as JSON")
    built.add_argument(
        "--push", metavar="REGISTRY", help="instead, build and push REGISTRY/NAME:TAG, with docker, podman or buildah"
    )
    built.add_argument("--tag", default="latest", help="their tag (default: %(default)s)")
    built.add_argument("--base", default="", help="their base image (default: the public python image)")
    built.add_argument("--load", action="store_true", help="and give them to the cluster's node")
    built.add_argument(
        "--extra",
        action="append",
        default=[],
        metavar="NAME=CONTEXT[:DOCKERFILE]",
        help="one more image, built after ours; it gets the build arguments BASE, OPERATOR, TRAINING, SCORING",
    )
    return parser


if __name__ == "__main__":
    main()
