"""Modelward's control plane.

What happens when X → decide/KIND.py · what an object looks like → build/KIND.py · who wrote this → act.py ·
why it was called → handlers/ · what the API accepts → api/KIND.py.
"""
