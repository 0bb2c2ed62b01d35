"""A cluster in the user's Docker engine: ours alone, gone at the end. Stand-ins are called as the commands would be."""

import sys
from pathlib import Path

import pytest

from localcluster import docker, in_docker, stand_in
from localcluster.in_docker import NAME, TOOLS, Tool

MINE = "apiVersion: v1\nkind: Config\ncurrent-context: mine\n"


class Machine:
    """With a home, a cache, and a PATH of nothing but stand-ins."""

    def __init__(self, root: Path) -> None:
        self.root, self.bin, self.mine = root, root / "bin", root / "home-kubeconfig"
        self.bin.mkdir()
        self.mine.write_text(MINE)

    def have(self, *commands: str) -> None:
        for name in commands:
            program = self.bin / name
            program.write_text(f"#!{sys.executable}\n{Path(stand_in.__file__).read_text()}")
            program.chmod(0o755)

    def calls(self) -> list[str]:
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def clusters(self, tool: Tool) -> list[str]:
        return (
            sorted(path.name for path in (self.root / tool.name).iterdir()) if (self.root / tool.name).exists() else []
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    for name, value in {
        "PATH": machine.bin,
        "STAND_IN": tmp_path,
        "MODELWARD_CACHE": tmp_path / "cache",
        "KUBECONFIG": machine.mine,
    }.items():
        monkeypatch.setenv(name, str(value))
    return machine


@pytest.fixture(params=TOOLS, ids=lambda tool: str(tool.name))
def tool(request: pytest.FixtureRequest, machine: Machine) -> Tool:
    found: Tool = request.param
    machine.have("docker", found.name)
    return found


def test_cluster_is_made_given_images_and_taken_away(machine: Machine, tool: Tool) -> None:
    kubeconfig = tool.up()
    assert "current-context" in kubeconfig.read_text()
    assert kubeconfig.stat().st_mode & 0o077 == 0
    built = docker.build()
    tool.load(built)
    there = (machine.root / tool.name / NAME / "images").read_text().splitlines()
    assert there == [image.reference for image in built]
    tool.down()
    assert (machine.clusters(tool), kubeconfig.exists()) == ([], False)
    assert machine.mine.read_text() == MINE


def test_images_are_built_once(machine: Machine) -> None:
    machine.have("docker")
    docker.build()
    docker.build()
    assert len([call for call in machine.calls() if call.startswith("docker build")]) == 3


def test_cluster_that_somebody_else_made_is_left_alone(machine: Machine, tool: Tool) -> None:
    (machine.root / tool.name / NAME).mkdir(parents=True)
    tool.down()
    with pytest.raises(SystemExit, match=f"{tool.name} has a cluster {NAME} that no demo made"):
        tool.up()
    tool.down()
    assert machine.clusters(tool) == [NAME]


def test_other_clusters_stay(machine: Machine, tool: Tool) -> None:
    (machine.root / tool.name / "work").mkdir(parents=True)
    tool.up()
    tool.down()
    assert machine.clusters(tool) == ["work"]


def test_what_a_killed_run_left_is_taken_away_by_the_next(machine: Machine, tool: Tool) -> None:
    tool.up()
    tool.down()
    tool.up()
    assert machine.clusters(tool) == [NAME]


def test_failure_is_told_in_the_command_s_own_words(machine: Machine, tool: Tool) -> None:
    (machine.root / f"broken-{tool.name}").touch()
    with pytest.raises(SystemExit, match=f"{tool.name}: cannot"):
        tool.up()


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        ((), "", None),
        (("docker",), "", None),
        (("kind", "k3d"), "", None),
        (("docker", "minikube", "k3d", "kind"), "", "kind"),
        (("docker", "minikube", "k3d"), "", "k3d"),
        (("docker", "minikube"), "", "minikube"),
        (("docker", "minikube", "kind"), "minikube", "minikube"),
        (("docker", "kind"), "local", None),
    ],
)
def test_what_is_there_is_taken_unless_something_else_is_wanted(
    machine: Machine, there: tuple[str, ...], wanted: str, found: str | None
) -> None:
    machine.have(*there)
    chosen = in_docker.chosen(wanted)
    assert (chosen and chosen.name) == found


def test_what_is_wanted_and_not_there_is_named(machine: Machine) -> None:
    machine.have("docker", "kind")
    with pytest.raises(SystemExit, match="CLUSTER=k3d: k3d is not on PATH"):
        in_docker.chosen("k3d")
    (machine.root / "broken-docker").touch()
    assert in_docker.chosen("") is None
    with pytest.raises(SystemExit, match="CLUSTER=kind: `docker info` fails: start the Docker engine"):
        in_docker.chosen("kind")
