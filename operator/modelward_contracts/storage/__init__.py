"""Where the store's bytes lie: folders, S3, or any other file system that fsspec knows."""
