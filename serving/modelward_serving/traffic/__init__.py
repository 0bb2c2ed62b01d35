"""The split: which requests go to a candidate, how they get there, and what shields the client when it fails."""
