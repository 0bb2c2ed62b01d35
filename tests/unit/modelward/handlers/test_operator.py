"""A part of the API that kopf did not find is noticed: it asks only once."""

import asyncio

from kopf._cogs.structs.references import Insights, Resource

from modelward.handlers.operator import _left_out
from modelward.handlers.watches import WATCHED


def insights(*plurals: str) -> Insights:
    found = Insights()
    found.watched_resources.update(Resource("", "v1", plural) for plural in plurals)
    found.ready_resources.set()
    return found


async def test_kind_that_the_server_did_not_name_is_left_out() -> None:
    found = insights(*WATCHED - {"modeldeployments"})

    assert await _left_out(found, [], asyncio.Event()) == {"modeldeployments"}


async def test_nothing_is_left_out_when_everything_is_watched() -> None:
    assert await _left_out(insights(*WATCHED), [], asyncio.Event()) == frozenset()


async def test_stop_ends_the_wait_for_a_server_that_does_not_answer() -> None:
    stop = asyncio.Event()
    stop.set()

    assert await asyncio.wait_for(_left_out(Insights(), [], stop), 5) == frozenset()
