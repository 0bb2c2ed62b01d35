"""How the operator takes what nobody meant to do to it."""
