"""What this server saw: latencies, statuses, and exact counts over the reference profile's bins."""
