"""What jobs and servers both need to know of an ONNX graph. Imports of ours the contracts only.

zipmap   the tensors before a map of probabilities, and the classes that it named
rows     is a row's answer its own?
narrow   split points for values of a narrower type (without the onnx package)
trial    does the model, when it runs, bear that out? (without the onnx package)
"""
