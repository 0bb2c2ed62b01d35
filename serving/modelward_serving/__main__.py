"""`modelward-server DIR …`"""

import asyncio
import sys

import uvloop

from .options import Options, parse_options
from .reporting import configure_logging
from .server import Server


async def _serve(options: Options) -> int:
    return await Server(options).run()


def main() -> None:
    options = parse_options()
    configure_logging()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_serve(options)))


if __name__ == "__main__":
    main()
