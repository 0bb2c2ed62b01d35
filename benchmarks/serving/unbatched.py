"""Our server with every row run by itself, on the loop; answers of a turn are still written together."""

from functools import partial

from modelward_serving.__main__ import main
from modelward_serving.scoring import scorer
from modelward_serving.scoring.batching import Batcher

if __name__ == "__main__":
    scorer.Batcher = partial(Batcher, max_rows=1)  # type: ignore[attr-defined, assignment]
    main()
