"""The trainer of `estimator:` runs: scikit-learn on columns prepared by their types, exported as ONNX.

It stands where a user's image stands: it reads and writes the same folders and has no more rights.
"""
