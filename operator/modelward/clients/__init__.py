"""The outside world, each client behind the smallest Protocol that is needed."""
