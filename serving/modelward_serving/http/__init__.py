"""HTTP/1.1 alone: bytes to requests, requests to answers, and what a hostile client must not do."""
