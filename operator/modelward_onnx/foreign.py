"""What lies in place of an ONNX file, told by its first bytes, with none of which one can begin."""

_EXPORT = "export the model as ONNX"
_BEGINNINGS = {
    b"version https://git-lfs": "is a Git LFS pointer, not the file that it stands for: fetch that with `git lfs pull`",
    b"<": "is a web page or other XML, not the file that was to be downloaded",
    b"{": f"is JSON, as boosters and others write: {_EXPORT}",
    b"PK\x03\x04": f"is a zip archive, as PyTorch and Keras write: {_EXPORT}, or unpack it",
    b"\x1f\x8b": "is compressed with gzip: unpack it",
    b"\x89HDF": f"is HDF5, as Keras writes: {_EXPORT}",
    **{
        bytes([0x80, protocol]): f"is a Python pickle, which could run code and is never loaded: {_EXPORT}"
        for protocol in range(2, 6)
    },
}
_AT_FOUR = {
    b"ORTM": "is in onnxruntime's own format: serve the ONNX file that it was made from",
    b"TFL3": f"is a TensorFlow Lite model: {_EXPORT}",
}


def what_instead(data: bytes) -> str | None:
    """A clause for a person; None for what may be ONNX."""
    if not data:
        return "is empty"
    text = data[:100].removeprefix(b"\xef\xbb\xbf").lstrip(b" \r\n")
    for beginning, what in _BEGINNINGS.items():
        if data.startswith(beginning) or text.startswith(beginning):
            return what
    return _AT_FOUR.get(data[4:8])
