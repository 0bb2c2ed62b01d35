"""Proves from a graph that row i of every output depends on row i of the inputs alone.

An abstract interpretation: each tensor is followed as what does not depend on requests, as one with the rows along an
axis, as sizes that may hold the number of rows, or as one that cannot be followed. Only operators on the list have a
rule, a family to a file; whatever no rule allows stands in the way of the proof, and is named.
"""

from .proof import Proof, prove, prove_bytes

__all__ = ["Proof", "prove", "prove_bytes"]
