"""Networks as files that do not need nasedu: the same output, in a process that has no nasedu, and in ONNX Runtime."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

import nasedu as nas
from nasedu.networks import build, export
from nasedu.networks.builder import NETWORKS

SPACES = {kind.__name__: kind() for kind in NETWORKS}
SMALL = {"channels": 4, "cells": 1}
SHAPES = {"signals": (1, 12), "images": (3, 9, 8)}
RUN = """
import importlib, json, sys
import torch
sys.modules["nasedu"] = None  # an import of it would fail
inputs = torch.load(sys.argv[1], weights_only=True)
for name in inputs:
    network = importlib.import_module(name).load()
    with torch.no_grad():
        print(json.dumps([name, network(inputs[name]).tolist(), network.training]))
"""


def trained_a_little(network, input_shape):
    """Return a network whose batch norms are not as they start."""
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn(weights.shape, generator=rng) * 0.05)
        network.train()(torch.randn(4, *input_shape, generator=rng))
    return network


def network_of(space, input_shape, seed=0, **options):
    rng = np.random.default_rng(seed)
    architecture = space.sample(rng)
    network = build(architecture, input_shape, 3, rng=rng, **{**SMALL, **options})
    return architecture, trained_a_little(network, input_shape)


def test_in_a_process_without_nasedu_the_files_give_the_same_output_for_every_space(tmp_path):
    inputs, expected = {}, {}
    for name, space in SPACES.items():
        for kind, shape in SHAPES.items():
            architecture, network = network_of(space, shape)
            module = f"{name}_{kind}".lower()
            assert export(network, tmp_path / f"{module}.py", shape, str(architecture)) == [
                tmp_path / f"{module}.py",
                tmp_path / f"{module}.safetensors",
            ]
            assert network.training, "as it was"
            inputs[module] = torch.randn(5, *shape, generator=torch.Generator().manual_seed(2))
            with torch.no_grad():
                expected[module] = network.eval()(inputs[module])
    torch.save(inputs, tmp_path / "inputs.pt")
    (tmp_path / "run.py").write_text(RUN)
    result = subprocess.run(
        [sys.executable, "run.py", "inputs.pt"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [name for name, *_ in found] == list(expected)
    for name, output, is_training in found:
        assert not is_training
        torch.testing.assert_close(torch.tensor(output), expected[name], rtol=1e-6, atol=1e-6, msg=name)


# One's own networks -----------------------------------------------------------------------------------


class Own(nn.Module):
    """What a person may write: weights of its own, operators, shapes, several outputs."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([2.0, -1.0, 0.5]))
        self.register_buffer("offset", torch.tensor(3.0))
        self.parts = nn.ModuleDict({"a→b": nn.Linear(3, 3), "not used": nn.Linear(9, 9)})
        self.holder = nn.Module()
        self.holder.inner = nn.LayerNorm(3)
        self.pool = nn.AvgPool1d(2, count_include_pad=False)
        self.dropout = nn.Dropout()
        self.add_module("2", nn.Conv1d(3, 3, 3, padding="same", padding_mode="circular"))

    def forward(self, x):
        x = self.dropout(self.get_submodule("2")(x))
        batch, channels, length = x.shape
        low, high = self.pool(x).chunk(2, dim=2)
        x = (low - high) * 2 - (1 - low) / self.offset - (-high) ** 2
        x = x.view(batch, channels, -1).max(dim=2).values * self.scale
        x = self.holder.inner(self.parts["a→b"](x) @ torch.ones(3, 3, device=x.device))
        y = torch.zeros(batch * 2, channels)[:batch]
        y += x[..., None].expand(batch, channels, 2).reshape(batch, -1)[:, 1::2]
        return nn.functional.softmax(y, dim=1) + (x.clamp(min=-float("inf"), max=0) if length > 2 else x)


class Operators(nn.Module):
    def forward(self, x):
        a, b, c = x[..., 0], x[..., 1], x[:, :, 2]
        return (
            (a - (b - c)) * (a + b) - (1 - a) / (2 + (b * c) ** 2) + (a + b).abs() - (-(a * b)).exp() + (a - b)[:, :1]
        )


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.rectify = nn.ReLU(inplace=True)

    def forward(self, x):
        before = x.sum(2)
        return before - self.rectify(x).sum(2) + x.mul_(2).sum(2) + x.sum(2)


class Sequence(nn.Sequential):
    def forward(self, x):
        return super().forward(x) * 2


OWN = {
    "own": Own,
    "operators": Operators,
    "in place": InPlace,
    "a sequence": lambda: nn.Sequential(nn.Conv1d(3, 4, 1), nn.Sequential(), nn.GELU("tanh"), nn.Flatten()),
    "a named sequence": lambda: nn.Sequential(*[nn.Flatten()]).append(nn.Linear(36, 2)),
    "a class of sequence": lambda: Sequence(nn.Conv1d(3, 3, 2), nn.Flatten()),
}


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("make", OWN.values(), ids=OWN)
@pytest.mark.parametrize("batch", [1, 4])
def test_ones_own_network_gives_the_same_output(make, batch, tmp_path):
    network = make().eval()
    export(network, tmp_path / "own.py", (3, 12))
    inputs = torch.randn(batch, 3, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(inputs.clone())
        torch.testing.assert_close(imported(tmp_path / "own.py").load()(inputs.clone()), expected)
    kept = imported(tmp_path / "own.py").Network().state_dict()
    assert kept.keys() == {name for name in network.state_dict() if "not used" not in name}


class Random(nn.Module):
    def forward(self, x):
        return x.sum(2) + torch.rand(1)


class Other(nn.Module):
    def forward(self, x):
        return x.sum(2) + self.table

    def __init__(self):
        super().__init__()
        self.table = torch.ones(1)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = Depends()

    def forward(self, x):
        return self.layer(x, 1) + self.layer(x, 2)


class Depends(nn.Module):
    def forward(self, x, number):
        return x.sum(2) * number


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Random, "its outputs differ from those of the network"),
        (Other, r"a tensor of shape \(1,\) that is no input, no parameter and no buffer"),
        (Twice, "'layer', a Depends, does different things in different calls"),
        (lambda: nn.Sequential(nn.LSTM(12, 2, batch_first=True)), "must return one tensor"),
        (lambda: nn.Sequential(nn.LSTM(12, 2, batch_first=True), First()), "LSTM cannot be written as Python"),
    ],
)
def test_what_cannot_be_written_is_refused(make, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export(make(), tmp_path / "own.py", (3, 12))


class First(nn.Module):
    def forward(self, values):
        return values[0]


# What is written ----------------------------------------------------------------------------------


def test_the_source_reads_like_one_that_a_person_wrote(tmp_path):
    cell = nas.spaces.named("|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
    network = build(cell, (1, 40), 10, rng=np.random.default_rng(0))
    export(network, tmp_path / "found.py", (1, 40), about='a "cell" \\ """ of mine')
    source = (tmp_path / "found.py").read_text(encoding="utf-8")
    forward = """
    def forward(self, x):
        operations_2_3 = self.operations["2→3"](self.operations["1→2"](self.operations["0→1"](x)))
        return self.operations["0→3"](x) + operations_2_3
"""
    assert source.count(forward) == 2, "in the cells of 8 and of 16 channels"
    assert '"1→2": nn.AvgPool1d(3, stride=1, padding=1, count_include_pad=False),' in source
    assert source.startswith("\"\"\"a 'cell' / ''' of mine\n")
    assert "nasedu" not in source
    weights = sum(each.numel() for each in network.parameters())
    assert f"\n{weights:,} parameters. Takes [batch, 1, 40], returns [batch, 10]. Needs torch alone.\n" in source
    assert max(map(len, source.splitlines())) <= 100


def test_cells_that_do_the_same_share_a_class(tmp_path):
    network = build(nas.spaces.named("darts-v2"), (3, 8, 8), 10, channels=4, layers=8, rng=np.random.default_rng(0))
    export(network, tmp_path / "found.py", (3, 8, 8))
    source = (tmp_path / "found.py").read_text(encoding="utf-8")
    assert source.count("\nclass Cell") == 8, "the fifth and sixth, and no others, have inputs of the same kind"


def test_the_auxiliary_classifier_is_left_out(tmp_path):
    _, network = network_of(SPACES["DARTS"], (3, 32, 32), auxiliary=True)
    export(network, tmp_path / "found.py", (3, 32, 32))
    kept = imported(tmp_path / "found.py").Network().state_dict()
    assert (
        kept.keys() == {name for name in network.state_dict() if "auxiliary" not in name} < network.state_dict().keys()
    )


def test_the_weights_are_a_safetensors_file(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="timm brings it")
    _, network = network_of(SPACES["NASBench201"], (1, 12))
    export(network, tmp_path / "found.py", (1, 12))
    found, expected = safetensors.load_file(tmp_path / "found.safetensors"), network.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


# ONNX ---------------------------------------------------------------------------------------------

DIFFERENT = {network: name for name, network in ((kind.__name__, NETWORKS[kind]) for kind in NETWORKS)}.values()


@pytest.mark.parametrize("name", sorted(DIFFERENT))
def test_onnx_runtime_gives_the_same_output(name, tmp_path):
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    shape = (1, 3) if name == "Recurrent" else (3, 5, 4)
    space = nas.space("recurrent", nodes=2) if name == "Recurrent" else SPACES[name]
    _, network = network_of(space, shape)
    path = tmp_path / "found.onnx"
    assert export(network, path, shape) == [path]
    session = onnxruntime.InferenceSession(str(path))
    for batch in (1, 5):
        inputs = torch.randn(batch, *shape, generator=torch.Generator().manual_seed(batch))
        with torch.no_grad():
            expected = network.eval()(inputs)
        (found,) = session.run(["output"], {"input": inputs.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-5)


def test_a_network_that_counts_its_batch_is_refused_for_onnx(tmp_path):
    pytest.importorskip("onnx")

    class Counts(nn.Module):
        def forward(self, x):
            return x.sum(2) * len(x)

    with pytest.raises(ValueError, match="takes batches of 2 alone"):
        export(Counts(), tmp_path / "found.onnx", (3, 4))


def test_without_onnx_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"onnx and onnxscript must be installed.*pip install 'nasedu\[export\]'"):
        export(nn.Flatten(), tmp_path / "found.onnx", (3, 4))
    with pytest.raises(ValueError, match=r"must end in .py or .onnx; got 'found.pt'"):
        export(nn.Flatten(), "found.pt", (3, 4))
