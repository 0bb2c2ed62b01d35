"""A search's trials: what each tries, and what it has come to."""
