"""Networks as files that do not need nasedu: the same output, in a process that has no nasedu, and in ONNX Runtime."""

import json
import subprocess
import sys

import numpy as np
import torch

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
