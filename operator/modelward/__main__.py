"""`python -m modelward run`: the operator, in a pod, or outside a cluster with --kubeconfig and --context.

The other commands are in `cli`.
"""

import argparse
import asyncio
import logging
import os
import sys

from pydantic import ValidationError

from modelward.cli import alias, approve, card, data, diff, export, infer, replay, reproduce, why
from modelward.settings import Settings
from modelward.telemetry import logs


def main() -> int:
    parser = argparse.ArgumentParser(prog="modelward", description="Modelward's operator. Settings: MODELWARD_*.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("run", help="run the operator")
    command.add_argument("--kubeconfig", help="instead of the pod's service account")
    command.add_argument("--context", help="of the kubeconfig")
    command.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING"])
    command.set_defaults(run=_operator)
    for each in (why, data, diff, infer, export, reproduce, replay, card, alias, approve):
        each.add(commands)
    arguments = parser.parse_args()
    return int(arguments.run(arguments))


def _operator(arguments: argparse.Namespace) -> int:
    from modelward.engine.reconcilers import RECONCILERS  # seconds of imports that no other command needs
    from modelward.handlers.operator import Cluster, run

    logs.configure(arguments.log_level)
    try:
        settings = Settings.from_environment(os.environ)
    except ValidationError as error:
        wrong = "; ".join(f"MODELWARD_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        print(f"modelward: {wrong}", file=sys.stderr)
        return 2
    logging.getLogger("modelward").info("starting", extra={"settings": settings.model_dump()})
    try:
        return asyncio.run(run(settings, Cluster(arguments.kubeconfig, arguments.context), RECONCILERS))
    except OSError as error:
        print(f"modelward: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
