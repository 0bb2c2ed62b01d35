"""The scoring server: Open Inference Protocol v2 over onnxruntime, without a framework on the data path.

    server → ports (data, direct, admin) → connection → router → batching → model
                                                      ↘ traffic (split, forward) ↘ monitor

`oip`, `tensors` and `encode` are the protocol itself, without I/O; everything that waits lives in `connection`,
`traffic.upstream` and `server`.
"""
