"""Stands in for docker, kind, k3d and minikube where no Docker engine runs: called by their names, it takes the words
that they take, refuses all others, keeps what they would keep as files in $STAND_IN, and logs each call there.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(os.environ.get("STAND_IN", "/nonexistent"))
KUBECONFIG = "apiVersion: v1\nkind: Config\ncurrent-context: {}\n"


def main() -> None:
    """One call."""
    tool, words = Path(sys.argv[0]).name, sys.argv[1:]
    with (ROOT / "calls").open("a") as log:
        log.write(f"{tool} {' '.join(words)}\n")
    verbs = [verb for verb in COMMANDS[tool] if words[: len(verb.split())] == verb.split()]
    if not verbs or (ROOT / f"broken-{tool}").exists():
        sys.exit(f"{tool}: cannot {' '.join(words)}")
    parser = argparse.ArgumentParser(prog=f"{tool} {verbs[0]}", allow_abbrev=False)
    options, run = COMMANDS[tool][verbs[0]]
    for option in options.split():
        parser.add_argument(option, nargs="?" if option.startswith("--") else None)
    run(parser.parse_args(words[len(verbs[0].split()) :]))


def _cluster(tool: str, name: str) -> Path:
    return ROOT / tool / name


def _make(tool: str, name: str, kubeconfig: str | None) -> None:
    if _cluster(tool, name).exists():
        sys.exit(f"a cluster {name} is there already")
    _cluster(tool, name).mkdir(parents=True)
    if kubeconfig:
        Path(kubeconfig).write_text(KUBECONFIG.format(name))


def _take(tool: str, name: str, reference: str) -> None:
    if reference not in (ROOT / "images").read_text().splitlines() or not _cluster(tool, name).is_dir():
        sys.exit(f"no image {reference} or no cluster {name}")
    with (_cluster(tool, name) / "images").open("a") as images:
        images.write(f"{reference}\n")


def _delete(tool: str, name: str) -> None:
    for file in _cluster(tool, name).iterdir():
        file.unlink()
    _cluster(tool, name).rmdir()


def _names(tool: str) -> list[str]:
    return sorted(path.name for path in (ROOT / tool).iterdir()) if (ROOT / tool).is_dir() else []


def _build(given: argparse.Namespace) -> None:
    if not Path(given.file).is_file() or not Path(given.folder).is_dir():
        sys.exit("no Dockerfile")
    with (ROOT / "images").open("a") as images:
        images.write(f"{given.tag}\n")


def _inspect(given: argparse.Namespace) -> None:
    images = ROOT / "images"
    sys.exit(0 if images.exists() and given.image in images.read_text().splitlines() else 1)


def _env() -> str:
    return os.environ["KUBECONFIG"]


_Run = Callable[[argparse.Namespace], object]
COMMANDS: dict[str, dict[str, tuple[str, _Run]]] = {
    "docker": {
        "info": ("", lambda _: print("Server Version: 28")),
        "image inspect": ("image", _inspect),
        "build": ("--file --tag --build-arg folder", _build),
        "save": ("--output image", lambda given: Path(given.output).write_text(given.image)),
    },
    "kind": {
        "get clusters": (
            "",
            lambda _: (
                print("\n".join(_names("kind"))) if _names("kind") else print("No kind clusters", file=sys.stderr)
            ),
        ),
        "create cluster": ("--name --kubeconfig --wait", lambda given: _make("kind", given.name, given.kubeconfig)),
        "load docker-image": ("image --name", lambda given: _take("kind", given.name, given.image)),
        "delete cluster": ("--name --kubeconfig", lambda given: _delete("kind", given.name)),
    },
    "k3d": {
        "cluster list": ("--output", lambda _: print(json.dumps([{"name": name} for name in _names("k3d")]))),
        "cluster create": (
            "name --kubeconfig-update-default --wait --timeout",
            lambda given: _make("k3d", given.name, None if given.kubeconfig_update_default == "false" else _env()),
        ),
        "kubeconfig get": ("name", lambda given: print(KUBECONFIG.format(f"k3d-{given.name}"))),
        "image import": ("image --cluster", lambda given: _take("k3d", given.cluster, given.image)),
        "cluster delete": ("name", lambda given: _delete("k3d", given.name)),
    },
    "minikube": {
        "profile list": (
            "--output",
            lambda _: print(json.dumps({"invalid": [], "valid": [{"Name": name} for name in _names("minikube")]})),
        ),
        "start": (
            "--profile --driver --cpus --memory --wait --interactive",
            lambda given: _make("minikube", given.profile, _env()),
        ),
        "image load": (
            "archive --profile",
            lambda given: _take("minikube", given.profile, Path(given.archive).read_text()),
        ),
        "delete": ("--profile", lambda given: _delete("minikube", given.profile)),
    },
}

if __name__ == "__main__":
    main()
