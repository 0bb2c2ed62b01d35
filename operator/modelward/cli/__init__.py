"""Commands, each in the file of its name: `python -m modelward COMMAND`.

`story` and `in_words` are what `why` tells.
"""
