"""Reads of the world into one frozen Observed per kind. Nothing here writes or decides."""
