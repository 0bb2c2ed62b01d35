"""Found before the real one."""

raise ImportError("this build of the server has no event loop")
