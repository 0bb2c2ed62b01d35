"""Public data files that PyPI packages ship, through our ingest's reading, against pandas."""
