"""Layers of neural networks: images [rows, channels, …] and sequences."""

from math import ceil, floor

from .rule import CONTRIB, rule
from .size import Size, fresh, size
from .tensor import Mixed, Node, Tensor, axis_of, plain, require_axis, single, with_rows


def _images(node: Node) -> Tensor:
    """Input 0, whose rows must be its first axis."""
    tensor = node.tensor(0)
    if tensor.of_rows:
        require_axis(tensor, 0, "has its images elsewhere than along axis")
    return tensor


@rule("Conv", "ConvInteger")
@rule("FusedConv", domain=CONTRIB)
def convolution(node: Node) -> list[Tensor]:
    if node.op == "ConvInteger" and not single(node.optional(2)):
        raise Mixed("has zero points that are not one for all")
    images, kernel = _images(node), node.tensor(1)
    return [_windowed(node, images, kernel.dims[0], list(kernel.dims[2:]))]


@rule("QLinearConv")
def quantized_convolution(node: Node) -> list[Tensor]:
    if not all(single(node.optional(at)) for at in (1, 2, 6, 7)):
        raise Mixed("has scales that are not one for all")
    images, kernel = _images(node), node.tensor(3)
    return [_windowed(node, images, kernel.dims[0], list(kernel.dims[2:]))]


@rule("MaxPool", "AveragePool", "LpPool")
def pool(node: Node) -> list[Tensor]:
    images = _images(node)
    kernel = list(map(size, node.get("kernel_shape", [])))
    pooled = _windowed(node, images, images.dims[1], kernel)
    # The second are places within the whole batch.
    return [pooled, Tensor(None, unknown="counts places through all rows") if images.of_rows else plain(pooled.shape)]


def _windowed(node: Node, images: Tensor, channels: Size, kernel: list[Size]) -> Tensor:
    places = len(images.dims) - 2
    strides, dilations = (node.get(name) or [1] * places for name in ("strides", "dilations"))
    pads, how = node.get("pads") or [0] * (2 * places), node.get("auto_pad", b"NOTSET").decode()
    sizes_after = []
    for at, one in enumerate(images.dims[2:]):
        width = kernel[at].number if at < len(kernel) else None
        if one.number is None or width is None:
            sizes_after.append(
                one if one.number is None and _keeps(how, strides[at], width, pads, at, places) else fresh()
            )
            continue
        if how.startswith("SAME"):
            sizes_after.append(size(ceil(one.number / strides[at])))
            continue
        span = dilations[at] * (width - 1) + 1
        room = one.number - span + (0 if how == "VALID" else pads[at] + pads[at + places])
        rounded = (ceil if node.get("ceil_mode", 0) else floor)(room / strides[at]) + 1
        if node.get("ceil_mode", 0) and (rounded - 1) * strides[at] >= one.number + pads[at]:
            rounded -= 1  # no window starts in the padding
        sizes_after.append(size(rounded))
    return Tensor((images.dims[0], channels, *sizes_after), images.axis)


def _keeps(how: str, stride: int, width: int | None, pads: list[int], at: int, places: int) -> bool:
    """Whether a free size stays what it is."""
    if stride != 1 or width is None:
        return False
    return how.startswith("SAME") or (how == "NOTSET" and width == 1 and not pads[at] and not pads[at + places])


@rule("ConvTranspose")
def transposed_convolution(node: Node) -> list[Tensor]:
    images, kernel = _images(node), node.tensor(1)
    places = len(images.dims) - 2
    channels = kernel.dims[1] * node.get("group", 1)
    strides, dilations, more = (
        node.get(name) or [default] * places
        for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    )
    pads, how, asked = node.get("pads") or [0] * (2 * places), node.get("auto_pad", b"NOTSET"), node.get("output_shape")
    sizes_after = []
    for at, one in enumerate(images.dims[2:]):
        width = kernel.dims[2 + at].number
        if asked:
            sizes_after.append(size(asked[at - places]))
        elif one.number is None or width is None:
            sizes_after.append(fresh())
        elif how.startswith(b"SAME"):
            sizes_after.append(size(one.number * strides[at]))
        else:
            span = strides[at] * (one.number - 1) + more[at] + (width - 1) * dilations[at] + 1
            sizes_after.append(size(span - pads[at] - pads[at + places]))
    return [Tensor((images.dims[0], channels, *sizes_after), images.axis)]


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(node: Node) -> list[Tensor]:
    images = _images(node)
    return [Tensor((*images.dims[:2], *[size(1)] * (len(images.dims) - 2)), images.axis)]


@rule("BatchNormalization")
def batch_normalization(node: Node) -> list[Tensor]:
    images = _images(node)
    if images.of_rows and (node.get("training_mode", 0) or (node.version < 14 and node.outputs > 1)):
        raise Mixed("takes mean and variance over the rows (training mode)")
    if images.of_rows and len(images.dims) < 2:
        raise Mixed("has its channels along the rows")
    return [Tensor(images.shape, images.axis)] * node.outputs


@rule("InstanceNormalization", "GroupNormalization", "LRN")
def by_image(node: Node) -> list[Tensor]:
    images = _images(node)
    if images.of_rows and len(images.dims) < 3:
        raise Mixed("has no places beside its rows and channels")
    return [Tensor(images.shape, images.axis)]


@rule("DepthToSpace", "SpaceToDepth")
def depth_to_space(node: Node) -> list[Tensor]:
    images, block = _images(node), node.get("blocksize", 1)
    channels, *places = images.dims[1:]
    if node.op == "DepthToSpace":
        return [
            Tensor(
                (images.dims[0], channels.over(size(block * block)) or fresh(), *(one * block for one in places)),
                images.axis,
            )
        ]
    return [
        Tensor(
            (images.dims[0], channels * (block * block), *(one.over(size(block)) or fresh() for one in places)),
            images.axis,
        )
    ]


@rule("Resize", "Upsample", sizes=(3,))
def resize(node: Node) -> list[Tensor]:
    tensor = node.tensor(0)
    if node.op == "Upsample" or node.version < 11:
        scales, wanted = node.get("scales") or node.known(1, "scales"), None
    else:
        given = [
            node.optional(at) if node.optional(at) is not None and node.tensor(at).shape != (size(0),) else None
            for at in (2, 3)
        ]
        scales = node.known(2, "scales") if given[0] is not None else None
        wanted = node.known(3, "sizes") if given[1] is not None else None
    rank = len(tensor.dims)
    axes = [axis_of(axis, rank) for axis in node.get("axes") or range(rank)]
    if node.get("keep_aspect_ratio_policy", b"stretch") != b"stretch":
        raise Mixed("chooses its sizes by the proportions of all axes")
    if node.get("coordinate_transformation_mode") == b"tf_crop_and_resize":
        raise Mixed("cuts regions out")
    result = list(tensor.dims)
    for at, axis in enumerate(axes):
        if axis == tensor.axis:
            if not (wanted[at] == tensor.at_rows() if wanted is not None else scales is not None and scales[at] == 1):
                raise Mixed("changes how many rows there are")
        elif wanted is not None:
            result[axis] = size(wanted[at])
        else:
            number = tensor.dims[axis].number
            result[axis] = size(floor(number * scales[at])) if number is not None and scales is not None else fresh()
    return [Tensor(tuple(result), None) if tensor.axis is None else with_rows(tuple(result), tensor.axis)]


@rule("GridSample", rows=(0, 1))
def grid_sample(node: Node) -> list[Tensor]:
    images, grid = _images(node), node.tensor(1)
    if images.axis != grid.axis or images.dims[0] != grid.dims[0]:
        raise Mixed("samples images by what is not theirs")
    return [Tensor((*images.dims[:2], *grid.dims[1:-1]), images.axis)]


@rule("LSTM", "GRU", "RNN", rows=(0, 4, 5, 6))
def recurrent(node: Node) -> list[Tensor]:
    """Sequences lie along the first axis and rows along the second, or the other way round with `layout`."""
    layout, hidden = node.get("layout", 0), node.get("hidden_size")
    sequences = node.tensor(0)
    batch = 0 if layout else 1
    if not any(tensor is not None and tensor.of_rows for tensor in node.inputs):
        return [plain(None)] * 3
    if sequences.axis != batch:
        raise Mixed(
            "takes the rows for the steps of a sequence" if sequences.of_rows else "starts from what is of requests"
        )
    rows = sequences.at_rows()
    for at, axis in ((4, 0), (5, batch), (6, batch)):
        state = node.optional(at)
        if state is not None and (state.axis != axis or state.at_rows() != rows):
            raise Mixed("starts from what is not of each row" if at > 4 else "has lengths that are not of each row")
    directions = size(2 if node.get("direction", b"forward") == b"bidirectional" else 1)
    units = size(hidden) if hidden is not None else fresh()
    steps = sequences.dims[1 - batch]
    if layout:
        last = with_rows((rows, directions, units), 0)
        return [with_rows((rows, steps, directions, units), 0), last, last]
    last = with_rows((directions, rows, units), 1)
    return [with_rows((steps, directions, rows, units), 2), last, last]


@rule("Attention", rows=(0, 1, 2, 3))
def attention(node: Node) -> list[Tensor]:
    """Of each row's queries to its own keys and values."""
    tensors = [node.tensor(at) for at in range(3)]
    if not any(tensor.of_rows for tensor in node.inputs if tensor is not None):
        return [plain(None)] * node.outputs
    if any(one.axis != 0 or one.dims[0] != tensors[0].dims[0] for one in tensors) or any(node.inputs[4:]):
        raise Mixed("attends to what is not of the same row")
    _check_mask(node.optional(3), tensors[0].dims[0])
    query, value = tensors[0], tensors[2]
    if len(query.dims) == 4:
        return [with_rows((*query.dims[:3], value.dims[3]), 0), *_no_more(node)]
    heads, own = node.get("kv_num_heads"), node.get("q_num_heads")
    width = value.dims[2].over(size(heads)) if heads else None
    return [with_rows((*query.dims[:2], width * own if width is not None and own else fresh()), 0), *_no_more(node)]


def _check_mask(mask: Tensor | None, rows: Size) -> None:
    if mask is None:
        return
    if mask.of_rows:
        if len(mask.dims) != 4 or mask.axis != 0 or mask.dims[0] != rows:
            raise Mixed("has a mask that is not of each row")
    elif len(mask.dims) == 4 and mask.dims[0].number != 1:
        raise Mixed("has a mask of its own for each place among the rows")


def _no_more(node: Node) -> list[Tensor]:
    return [Tensor(None, unknown="keeps keys and values")] * (node.outputs - 1)
