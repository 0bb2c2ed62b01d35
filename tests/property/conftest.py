"""How many examples: few and always the same in `make test`, many and new ones in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow]
settings.register_profile("short", max_examples=80, deadline=None, derandomize=True, suppress_health_check=SLOW)
settings.register_profile("long", max_examples=7_500, deadline=None, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))
