"""The model that is served: proven by its digests, loaded, warmed, and run."""
