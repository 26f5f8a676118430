"""A network as a file that does not need nasedu: Python source with its weights, or ONNX.

    name.py     a plain PyTorch module, with the weights beside it in name.safetensors
    name.onnx   for ONNX Runtime and other engines; needs the packages onnx and onnxscript

Either gives the network's output in evaluation mode, for inputs of one shape and batches of any size. In the Python
file ``load()`` returns the network with its weights, ``Network()`` one to train from scratch; weights have the names
that they have here. What only training uses, such as an auxiliary classifier, is left out, and a loop over time steps
is written step by step.
"""

from __future__ import annotations

import copy
import importlib.util
import io
import json
import logging
import re
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nasedu.networks.builder import check_input_shape
from nasedu.networks.export_source import python_source

__all__ = ["export"]

TOLERANCE = 1e-5  # of outputs around 1
DTYPES = {
    torch.float32: "F32",
    torch.float64: "F64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.bool: "BOOL",
}
HEAD = '''{about}

{parameters:,} parameters. Takes [batch, {shape}], returns [batch, {classes}]. Needs torch alone.

    network = load()       with the weights of {weights}, in evaluation mode
    network = Network()    with fresh weights, to train
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn


'''
TAIL = '''


def load(path=Path(__file__).with_suffix(".safetensors")):
    """Return the network with the weights of a safetensors file, in evaluation mode."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    state = {{}}
    for name, entry in json.loads(content[8:start]).items():
        first, end = entry["data_offsets"]
        data = bytearray(content[start + first : start + end])
        dtype = {{{dtypes}}}[entry["dtype"]]
        state[name] = torch.frombuffer(data, dtype=dtype).view(entry["shape"])
    network = Network()
    network.load_state_dict(state)
    return network.eval()


if __name__ == "__main__":
    with torch.no_grad():
        print(load()(torch.ones(1, {shape})))
'''


def export(network: nn.Module, path: str | Path, input_shape: Sequence[int], about: str = "") -> list[Path]:
    """Write a network to a file, and see that what the file gives is what the network gives.

    Args:
        network: from :func:`nasedu.networks.build`, or any other whose forward takes one tensor and returns one; on any
            device, left as it is.
        path: ends in ``.py`` or ``.onnx``; says which.
        input_shape: of one sample, (channels, length) or (channels, height, width), without the batch.
        about: a line on what it is, such as the architecture's native string.

    Returns:
        The files that were written.

    Raises:
        ValueError: the path has another ending, or the network cannot be written.
        ImportError: onnx or onnxscript is not installed.

    Example:
        >>> import numpy as np, nasedu as nas
        >>> cell = nas.spaces.NASBench201().sample(np.random.default_rng(0))
        >>> network = nas.networks.build(cell, (1, 40), 10, rng=np.random.default_rng(0))
        >>> nas.networks.export(network, "found.py", (1, 40), about=str(cell))  # doctest: +SKIP
        [PosixPath('found.py'), PosixPath('found.safetensors')]
    """
    path = check_path(path)
    check_input_shape(input_shape)
    shape = tuple(input_shape)
    still = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    sample = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = still(sample.clone())  # it may overwrite its input
    if not isinstance(expected, Tensor):
        raise ValueError(f"the network must return one tensor to be exported; got a {type(expected).__name__}.")
    if path.suffix == ".onnx":
        _write_onnx(still, path, sample)
        return [path]
    return _write_python(still, path, sample, expected, about)


def check_path(path: str | Path) -> Path:
    """Return the path, if it says what to write.

    Raises:
        ValueError: it ends neither in ``.py`` nor in ``.onnx``, or a module cannot have that name.
        ImportError: onnx or onnxscript is needed and not installed.
    """
    path = Path(path)
    if path.suffix not in (".py", ".onnx"):
        raise ValueError(f"the file of an exported network must end in .py or .onnx; got {str(path)!r}.")
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if path.suffix == ".onnx" and missing:
        raise ImportError(f"{' and '.join(missing)} must be installed to write ONNX: pip install 'nasedu[export]'.")
    return path


# Python -------------------------------------------------------------------------------------------


def _write_python(network: nn.Module, path: Path, sample: Tensor, expected: Tensor, about: str) -> list[Path]:
    classes, names = python_source(network, sample.shape[1:])
    state = {name: tensor for name, tensor in network.state_dict().items() if name in set(names)}
    weights = path.with_suffix(".safetensors")
    written = sum(tensor.numel() for name, tensor in network.named_parameters() if name in state)
    shape = ", ".join(map(str, sample.shape[1:]))
    about = " ".join(about.replace("\\", "/").replace('"', "'").split()) or "A network written by nasedu."
    about = textwrap.fill(f'"""{about}', 100)
    used = {tensor.dtype: DTYPES[tensor.dtype] for tensor in state.values()}
    dtypes = ", ".join(f'"{name}": {dtype}' for dtype, name in used.items())
    outputs = ", ".join(map(str, expected.shape[1:]))
    head = HEAD.format(about=about, parameters=written, shape=shape, classes=outputs, weights=weights.name)
    if "OrderedDict(" not in classes:
        head = head.replace("from collections import OrderedDict\n", "")
    if not re.search(r"\bF\.", classes):
        head = head.replace("import torch.nn.functional as F\n", "")
    path.write_text(head + classes + TAIL.format(shape=shape, dtypes=dtypes), encoding="utf-8")
    _write_safetensors(state, weights)
    _compare(path, sample, expected)
    return [path, weights]


def _write_safetensors(state: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors in the format of safetensors: the length of a JSON header, the header, the bytes of the tensors."""
    header: dict[str, Any] = {}
    parts, end = [], 0
    for name, tensor in state.items():
        data = tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        offsets = [end, end + len(data)]
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        parts.append(data)
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def _compare(path: Path, sample: Tensor, expected: Tensor) -> None:
    """Import the file and see that it gives the same output."""
    name = f"_exported_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    with torch.no_grad():
        found = module.load(path.with_suffix(".safetensors"))(sample.clone())
    if not torch.allclose(found, expected, TOLERANCE, TOLERANCE):
        gap = float((found - expected).abs().max())
        raise ValueError(
            f"{path} was written, but its outputs differ from those of the network by up to {gap:.2g}. A network "
            "that draws numbers, or whose way depends on the values of its inputs, cannot be written as Python."
        )


# ONNX ---------------------------------------------------------------------------------------------


def _write_onnx(network: nn.Module, path: Path, sample: Tensor) -> None:
    import onnx

    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it speaks of torchvision, and of Dim
    try:
        with torch.no_grad(), warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (sample,),
                path,
                input_names=["input"],
                output_names=["output"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                dynamo=True,
                external_data=False,
            )
    finally:
        logger.setLevel(level)
    size = onnx.load(path).graph.input[0].type.tensor_type.shape.dim[0]
    if not size.dim_param:
        raise ValueError(
            f"{path} was written, but takes batches of {size.dim_value} alone: the network uses the size of the batch "
            "as a number, as with len(x). Let it make tensors of the shape of others, as with torch.zeros_like."
        )
