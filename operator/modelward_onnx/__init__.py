"""What an ONNX graph says about itself, before anything runs: shared by `publish` and the scoring server.

Depends on onnx, numpy and the contracts only.
"""
