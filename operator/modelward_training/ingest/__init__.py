"""Source files to one immutable dataset version: read, prepare, validate, split, describe, store."""
