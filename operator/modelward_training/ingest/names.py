"""Names in SQL. The user's columns and ours (a split, a row's number) never share a space, whatever they are called."""


def quoted(name: str) -> str:
    """A name as the user sees it: in `source`, in what prepare.sql makes, and in the stored Parquet."""
    return '"' + name.replace('"', '""') + '"'


def held(name: str) -> str:
    """The user's column in our own tables `clean` and `rows`, where names without `=` are ours."""
    return quoted(f"={name}")
