"""Modelward's scoring server beside others, on the same ONNX files: `python -m benchmarks.serving`."""
