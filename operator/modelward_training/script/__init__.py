"""The script of a run out of a git repository: fetched by us, at one commit, for the user's code to run."""
