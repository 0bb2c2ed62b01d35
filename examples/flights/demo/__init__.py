"""`make demo`: one life of a model on a real Kubernetes, from raw months to a bad version that no client noticed."""
