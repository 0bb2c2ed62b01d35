"""Thin glue to kopf: a watch event enqueues keys, and nothing else. kopf writes nothing to anybody's objects."""
