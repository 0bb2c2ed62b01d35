"""The scoring server: Open Inference Protocol v2 over onnxruntime, without a framework on the data path.

    process   options, start, ports, workers, probes
    traffic   the split: which requests go to a candidate, and what shields clients from it
    scoring   requests to the model and back, rows of several together
    monitor   what was seen: latencies, statuses, counts over the reference profile's bins
    model     proven by digests, loaded, warmed, run
    protocol  what a request says and what is answered, without I/O
    http      bytes to requests, requests to answers

Each room knows those below it only.
"""
