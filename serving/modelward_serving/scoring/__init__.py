"""Requests to the model and back: rows of several run together, each caller gets its own."""
