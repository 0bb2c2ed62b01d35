"""What jobs and servers both need to know of an ONNX graph. Imports of ours the contracts only.

`rows`: is a row's answer its own? · `trial`: does the model, when it runs, bear that out? (without the onnx package)
"""
