"""How many clients a process has room for: each is an open file."""

import resource

MOST = 10_000
"""For each of the data and the direct port."""
RESERVE = 512
"""Files for the model, the admin port's clients, those that are turned away, and forwards."""


def connections() -> int:
    """For each of the two ports. Takes of the limit of open files what may be taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST + RESERVE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST if soft == resource.RLIM_INFINITY else max(16, min(MOST, (soft - RESERVE) // 2))
