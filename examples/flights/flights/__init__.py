"""Will a flight from New York arrive 15 minutes late or more?

User code as a team would bring it: Modelward knows nothing of this package. It
reads the splits of a DatasetVersion and leaves `model.onnx` and
`predictions.parquet` behind; `flights.train` is the entry point.
"""
