"""`modelward-server DIR …`"""

import asyncio
import sys
from functools import partial

import uvloop

from .model.plan import Plan, make_plan
from .process.options import Options, parse_options
from .process.reporting import configure_logging
from .process.server import Server
from .process.workers import Post, fork_others


async def _serve(options: Options, plan: Plan, post: Post | None) -> int:
    return await Server(options, plan, post).run()


def _run(options: Options, plan: Plan, post: Post | None = None) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(options, plan, post))


def main() -> None:
    options = parse_options()
    configure_logging()
    model = options.folder / "model.onnx"
    plan = make_plan(options.workers, options.threads, model.stat().st_size if model.exists() else 0)
    run = partial(_run, options, plan)
    if plan.workers == 1:
        sys.exit(run())
    post = fork_others(plan.workers, run)
    code = run(post)
    ended = post.dismiss()  # whatever happened here, the others finish what they have
    sys.exit(code or ended)


if __name__ == "__main__":
    main()
