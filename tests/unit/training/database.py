"""A real PostgreSQL server with a table of things, read as a Dataset's source."""

from typing import Any

import pytest

from modelward_contracts.tasks import SOURCE_VARIABLE
from postgresql import Server

from .harness import Ended, Pod

THINGS = """
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE things AS SELECT i AS id, (i % 7)::smallint AS seats, i * 0.25 AS price, i / 7.0::float8 AS speed,
  (i * 1000000007::bigint)::numeric(15, 0) AS account, CASE WHEN i % 5 > 0 THEN 'Thing ' || i END AS name,
  (ARRAY['red', 'green'])[1 + i % 2]::colour AS colour, md5(i::text)::uuid AS key, jsonb_build_object('n', i) AS more,
  timestamptz '2024-03-31 03:30:00+02' + i * interval '1 hour' AS at, timestamp '2024-01-01 12:00' AS local,
  date '2024-01-01' + i AS day, time '10:20:30' AS clock, i % 3 = 0 AS late
  FROM generate_series(1, 600) i
"""


class Database(Pod):
    """A pod whose source is a query of the server."""

    server: Server

    def query(self, query: str, secret: dict[str, str] | None = None, **fields: Any) -> Ended:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.server.environment if secret is None else secret).items():
                patch.setenv(SOURCE_VARIABLE + name, value)
            stated = {
                "source": "sql",
                "query": query,
                "secret": "reader",
                "local_addresses": True,
                "label": "late",
                "id": "id",
            }
            return self.ingest(**stated | fields)
