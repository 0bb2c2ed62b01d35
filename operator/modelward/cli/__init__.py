"""Commands, one a file: `python -m modelward COMMAND`."""
