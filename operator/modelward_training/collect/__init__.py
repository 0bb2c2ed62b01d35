"""The collect step: blobs that nothing names any more are taken out of the store."""
