"""Operators of ai.onnx.ml, and on texts: learners and encoders of tables [rows, columns].

onnxruntime takes a tensor of one dimension for one row with many columns; so only two dimensions have rows.
"""

from .rule import CONTRIB, LEARNERS, rule
from .size import Size, fresh, size
from .tensor import Mixed, Node, Tensor, plain, with_rows


def _table(node: Node, at: int = 0) -> Tensor:
    tensor = node.tensor(at)
    if tensor.of_rows and (len(tensor.dims) != 2 or tensor.axis != 0):
        raise Mixed("takes its input for one row: it is no table with its rows along axis 0")
    return tensor


def _table_of(tensor: Tensor, width: Size) -> Tensor:
    return with_rows((tensor.dims[0], width), 0) if tensor.of_rows else plain(None)


@rule("TreeEnsembleRegressor", "TreeEnsemble", "LinearRegressor", "SVMRegressor", domain=LEARNERS)
def regressor(node: Node) -> list[Tensor]:
    targets = node.get("n_targets", node.get("targets", 1))
    return [_table_of(_table(node), size(1 if node.op == "SVMRegressor" else targets))]


@rule("TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier", domain=LEARNERS)
def classifier(node: Node) -> list[Tensor]:
    table = _table(node)
    if not table.of_rows:
        return [plain(None)] * 2
    names = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
    classes = max(len(node.get(name) or []) for name in names)
    # Of two classes some models give one score, of one against one a score for each pair.
    scores = size(classes) if classes > 2 and node.op != "SVMClassifier" else fresh()
    return [with_rows((table.dims[0],), 0), _table_of(table, scores)]


@rule("Normalizer", "Scaler", "Imputer", domain=LEARNERS)
def by_column(node: Node) -> list[Tensor]:
    table = _table(node)
    return [Tensor(table.shape, table.axis)]


@rule("Binarizer", "LabelEncoder", "CategoryMapper", domain=LEARNERS)
def by_value(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    return [Tensor(tensor.shape, tensor.axis)]


@rule("OneHotEncoder", domain=LEARNERS)
def one_hot(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    categories = max(len(node.get("cats_strings") or []), len(node.get("cats_int64s") or []))
    return [Tensor((*tensor.dims, size(categories)), tensor.axis)]


@rule("ZipMap", domain=LEARNERS)
def maps(node: Node) -> list[Tensor]:
    """A map for each row: no tensor, but a row's own."""
    table = _table(node)
    return [with_rows(table.dims[:1], 0) if table.of_rows else plain(None)]


@rule("FeatureVectorizer", domain=LEARNERS, rows=None)
def features(node: Node) -> list[Tensor]:
    tables = [_table(node, at) for at, tensor in enumerate(node.inputs) if tensor is not None]
    if not any(table.of_rows for table in tables):
        return [plain(None)]
    if not all(table.of_rows and table.dims[0] == tables[0].dims[0] for table in tables):
        raise Mixed("lays rows beside what is none")
    return [
        _table_of(tables[0], size(sum(node.get("inputdimensions", []))) if node.get("inputdimensions") else fresh())
    ]


@rule("Tokenizer", domain=CONTRIB)
def tokenizer(node: Node) -> list[Tensor]:
    """Filled up to as many words as the text with the most has: no more than what counts words may follow."""
    tensor = node.tensor(0)
    if tensor.shape is None:
        return [plain(None)]
    if not tensor.of_rows:
        return [plain((*tensor.shape, fresh()))]
    if tensor.rank != 1 or node.get("mark", 0):
        raise Mixed("fills up the texts of several columns to the longest of all rows")
    return [Tensor((*tensor.shape, fresh()), 0, padding=node.get("pad_value", b"").decode())]


@rule("TfIdfVectorizer", padded=True)
def tf_idf(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if not tensor.of_rows:
        return [plain(None)]
    if tensor.rank != 2 or tensor.axis != 0:
        raise Mixed("takes its input for one row: it is no table with its rows along axis 0")
    pool = {text.decode() for text in node.get("pool_strings") or []}
    if tensor.padding is not None and (tensor.padding in pool or not pool):
        raise Mixed("counts what texts were filled up with")
    return [_table_of(tensor, size(max(node.get("ngram_indexes") or [0]) + 1))]
