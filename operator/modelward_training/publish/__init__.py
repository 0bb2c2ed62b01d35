"""From what `train` left behind to a measured, verified, stored model.

The folder is hostile, and so is what is in it: `intake` copies two regular files out of it; `examine` parses and runs
them in a process of its own, without credentials or labels and with limits; this process sees only plain arrays.
"""
