"""A real Kubernetes on one Linux machine without Docker. Standard library only: it runs before any venv exists."""
