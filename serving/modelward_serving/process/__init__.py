"""The server as processes: options, start, ports, workers, and how they end."""
