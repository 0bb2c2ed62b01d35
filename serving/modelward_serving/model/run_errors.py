"""Why a run failed, as onnxruntime tells it: the request's doing, or this server's.

Its kernels are functions of a request's values and lengths: a graph that loaded and was warmed up fails on what it was
given (an index beyond a table, lengths that do not fit, text that is no number), and would again. What it was given is
not to blame where memory is lacking or a kernel is missing. INVALID_ARGUMENT is not asked for alone, because only some
kernels use it: Gather does, MatMul and Reshape say FAIL.
"""

import re

from modelward_serving.refusal import Refused

MAX_WORDS = 300
_CODE = re.compile(r"\[ONNXRuntimeError\] : \d+ : (\w+) : ")
_NODE = re.compile(r"Non-zero status code returned while running (\S+) node\. Name:'(.*?)' Status Message: ")
_PLACE = re.compile(r"\S+\.(?:h|cc|cpp):\d+ (?:.* was false\. |\S+ )")
"""Of onnxruntime's source, and the condition that did not hold there."""
_NO_MEMORY = ("Failed to allocate memory", "bad_alloc", "bad allocation")


def refusal_of(error: Exception) -> Refused:
    """The answer to a request whose run raised `error`: 400 with onnxruntime's words, at most `MAX_WORDS` letters of
    them; 500 where the request is not to blame."""
    if isinstance(error, Refused):
        return error
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(words in text for words in _NO_MEMORY):
        return Refused("there is not enough memory to run this request: send fewer rows", status=500)
    code, text = _taken(_CODE, text)
    node, text = _taken(_NODE, text)
    text = _taken(_PLACE, text)[1] or text
    where = "" if node is None else f"{node[1]} ({node[2]}): " if node[2] else f"{node[1]}: "
    said = (where + text)[:MAX_WORDS]
    kind = code[1] if code is not None else ""
    if kind == "INVALID_ARGUMENT" or (node is not None and kind in ("FAIL", "RUNTIME_EXCEPTION")):
        return Refused(f"the model cannot compute this request: {said}")
    return Refused(f"the model failed: {said}", status=500)


def _taken(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    """What stands at the text's beginning, and the rest."""
    found = pattern.match(text)
    return found, text[found.end() :] if found is not None else text
