"""What a release is made with, beside the code: run by the workflows under .github, and by `make release-dry-run`."""
