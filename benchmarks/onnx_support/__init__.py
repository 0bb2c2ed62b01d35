"""Every model of onnx's own backend tests, each in a server of its own: what is answered, what is refused and why."""
