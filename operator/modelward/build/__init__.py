"""Manifests, pure: one file per kind of Kubernetes object."""
