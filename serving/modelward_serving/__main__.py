"""`modelward-server DIR …`"""

import asyncio
from functools import partial
from pathlib import Path

import uvloop

from .model.plan import Plan, make_plan
from .model.together import Proven, proven
from .process.options import Options, parse_options
from .process.reporting import configure_logging
from .process.server import Server
from .process.workers import Post, fork_others
from .scoring.threads import leave


async def _serve(options: Options, plan: Plan, proof: Proven | None, post: Post | None) -> int:
    return await Server(options, plan, post, proof).run()


def _run(options: Options, plan: Plan, proof: Proven | None, post: Post | None = None) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(options, plan, proof, post))


def main() -> None:
    options = parse_options()
    configure_logging()
    plan = make_plan(options.workers, options.threads, _size(options.folder / "model.onnx"))
    run = partial(_run, options, plan, proven(options.folder, options.batching))
    if plan.workers == 1:
        leave(run())
    post = fork_others(plan.workers, run)
    code = run(post)
    ended = post.dismiss()  # whatever happened here, the others finish what they have
    leave(code or ended)


def _size(model: Path) -> int:
    try:
        return model.stat().st_size
    except OSError:  # which the start tells about
        return 0


if __name__ == "__main__":
    main()
