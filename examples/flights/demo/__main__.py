"""`python -m demo`: play it, show it, and exit with status 0 only if everything happened that it promises."""

import argparse
import signal
import subprocess
import sys
from contextlib import AbstractContextManager

from demo import raw, report
from demo.acts import FAULTS, acts
from demo.clients import Figures
from demo.console import Parts, say
from demo.kubectl import KubectlFailed
from demo.outcome import problems
from demo.place import Place, clean, named_cluster, own_cluster
from demo.story import Story
from demo.watch import NotSo
from flights.data import DataError
from localcluster.in_docker import TOOLS


def main() -> None:
    """The command line."""
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("demo: stopped"))
    if options.clean:
        return clean()
    parts = Parts()
    try:
        with place(options, parts) as there:
            try:
                found = play(options, there, parts)
            except (NotSo, KubectlFailed):
                look_back(there)
                raise
            look_further(there, options.keep)
    except (NotSo, KubectlFailed, DataError) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit("demo: stopped")
    report.show(report.times(parts.seconds))
    for problem in found:
        print(f"✗ {problem}")
    sys.exit(1 if found else 0)


def parse() -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(prog="demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fault", choices=[*FAULTS, "all"], default="errors", help="what is wrong with version 2")
    parser.add_argument("--context", default="", help="kube context of a cluster to use instead of a new one")
    parser.add_argument(
        "--cluster",
        choices=["", "local", *(tool.name for tool in TOOLS)],
        default="",
        help="what makes the new one (default: kind, k3d or minikube, where it and Docker are there, else local)",
    )
    parser.add_argument("--clean", action="store_true", help="take away what demos left on this machine, and end")
    parser.add_argument("--registry", default="", help="with --context: where its nodes find the images")
    parser.add_argument("--tag", default="", help="with --context: the images' tag")
    parser.add_argument("--keep", action="store_true", help="leave everything there, to look at")
    parser.add_argument("--rate", type=int, default=100, help="requests a second (default: %(default)s)")
    return parser.parse_args()


def place(options: argparse.Namespace, parts: Parts) -> AbstractContextManager[Place]:
    """Where to play."""
    if options.context:
        return named_cluster(parts, options.context, options.registry, options.tag, options.keep)
    return own_cluster(parts, options.cluster, options.keep)


def play(options: argparse.Namespace, there: Place, parts: Parts) -> list[str]:
    """The story, its table, and what did not happen as promised."""
    say(f"to look on, in another terminal: {there.typed} get modeldeployments --watch")
    story, plot = Story(there, parts, options.rate), acts(options.fault)
    with parts.part("raw data: 2013's flights from New York"):
        months = raw.months()
        story.raw_data(months)
    with parts.part("datasets: months 1 to 6"):
        metric = any("skew" in act.manifest for act in plot)
        story.datasets("dataset.yaml", *(["dataset-metric.yaml"] if metric else []))
    story.first()
    story.clients_come()
    for act in plot:
        story.next(act)
    story.month(months)
    story.broken_month(months)
    with parts.part("clients: the rest of their requests"):
        clients = story.clients_go()
    print(f"\n{there.kubectl('get', 'modelward')}")
    report.show(report.versions(story.outcomes, clients))
    story.why()
    found = problems(story.outcomes, clients)
    print(conclusion(clients, found))
    return found


def conclusion(clients: Figures, found: list[str]) -> str:
    """One sentence."""
    said = f"Clients sent {clients.requests:,} requests, {clients.errors.total()} of which failed."
    return f"{said} {'Not everything happened as promised.' if found else 'Everything happened as promised.'}\n"


def look_further(there: Place, keep: bool) -> None:
    """What to type next."""
    if not keep:
        print("KEEP=1 make demo leaves the cluster there to look at.\n")
        return
    for words in ("describe modeldeployment flights", "get modelversions", "get events --sort-by=.lastTimestamp"):
        print(f"  {there.typed} {words}")
    print("  make demo-clean   # takes the cluster down\n")


def look_back(there: Place) -> None:
    """After a failure: what a person would look at first."""
    subprocess.run([*there.typed.split(), "get", "modelward,jobs,pods,events"], check=False)


if __name__ == "__main__":
    main()
