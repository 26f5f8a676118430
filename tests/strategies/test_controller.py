"""The controller in numpy against its formulas, and its gradient against torch's."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_controller import gradient, parameters, sequences, tokens

import nasedu as nas
from nasedu.strategies.controller import Controller

TWO = nas.SearchSpace("two", [nas.Decision("width", (8, 16)), nas.Decision("kernel", (1, 3, 5))])
CHAIN = nas.spaces.Chain(max_depth=2, widths=(8, 16), kernels=(1, 3), activations=("relu",))
SPACES = {"two": TWO, "chain": CHAIN, "deep": nas.spaces.Chain(skips=True), "darts": nas.spaces.DARTS()}
everywhere = pytest.mark.parametrize("space", SPACES.values(), ids=list(SPACES))


def make(space, seed=0, hidden_size=6, sharpen=5.0):
    """A controller whose policy is far from uniform: its initial weights times ``sharpen``."""
    controller = Controller(space, np.random.default_rng(seed), hidden_size, learning_rate=0.01)
    controller.parameters *= sharpen
    return controller


def written(controller, count, seed=1):
    rng = np.random.default_rng(seed)
    return controller.write(rng.random((count, len(controller.space.decisions))))


def test_the_weights_are_views_of_the_parameters():
    controller = make(TWO, sharpen=1.0)
    before = controller.read(np.array([(1, 2)])).log_p
    controller.parameters[:] = 0.0
    assert not controller.W_hh.any() and not controller.b_a.any()
    after = controller.read(np.array([(1, 2)])).log_p
    assert after == pytest.approx(-np.log([[2, 2, 3, 3, 3]]))
    assert np.abs(after - before).max() > 0.01


def test_a_copy_learns_by_itself():
    controller = make(TWO)
    copied, before = copy.deepcopy(controller), controller.read(np.array([(1, 2)])).taken
    copied.climb(np.ones_like(copied.parameters))
    assert np.array_equal(controller.read(np.array([(1, 2)])).taken, before)
    assert not np.array_equal(copied.read(np.array([(1, 2)])).taken, before)


@pytest.mark.parametrize("space", [TWO, CHAIN], ids=["two", "chain"])
def test_the_probabilities_of_all_sequences_add_up_to_one(space):
    controller = make(space)
    everything = controller.read(np.array(sequences(space)))
    probabilities = np.exp(everything.taken.sum(axis=1))
    assert probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert probabilities.max() > 3 * probabilities.min(), "the policy of these tests must not be uniform"


def test_the_tokens_are_those_of_the_formula():
    """s_t = tanh(W_hh s_{t-1} + W_ha a_{t-1} + b_h), p = softmax(W_ah s_t + b_a), for one sentence, by hand."""
    controller, choices = make(TWO), (1, 2)
    sentences = controller.read(np.array([choices]))
    state, action, at = np.zeros(6), controller.W_ha[5], 0
    for index, count in enumerate((2, 3)):
        state = np.tanh(controller.W_hh @ state + action + controller.b_h)
        logits = (controller.W_ah @ state + controller.b_a)[at : at + count]
        expected = np.exp(logits) / np.exp(logits).sum()
        assert np.exp(sentences.log_p[0, at : at + count]) == pytest.approx(expected)
        action, at = controller.W_ha[at + choices[index]], at + count


@everywhere
def test_what_is_written_is_pinned_and_reads_the_same(space):
    controller = make(space)
    sentences = written(controller, 40)
    texts = [tuple(row) for row in sentences.choices.tolist()]
    assert [space.pin(text) for text in texts] == texts
    assert [space.active(text) for text in texts] == [tuple(row) for row in sentences.active.tolist()]
    again = controller.read(sentences.choices)
    for name in ("active", "log_p", "taken", "entropies", "states", "inputs"):
        np.testing.assert_array_equal(getattr(again, name), getattr(sentences, name))


@everywhere
def test_sentences_do_not_know_each_other(space):
    controller = make(space)
    sentences, rng = written(controller, 5), np.random.default_rng(2)
    weights = rng.normal(size=sentences.choices.shape)
    alone = [controller.read(row[None]) for row in sentences.choices]
    np.testing.assert_allclose(np.concatenate([each.log_p for each in alone]), sentences.log_p, atol=1e-12)
    each = [controller.gradient(one, w[None], 0.3) for one, w in zip(alone, weights, strict=True)]
    np.testing.assert_allclose(sum(each), controller.gradient(sentences, weights, 0.3), atol=1e-12)


@everywhere
def test_a_token_is_the_option_on_whose_piece_of_the_line_its_number_falls(space):
    controller, rng = make(space), np.random.default_rng(3)
    uniforms = rng.random((20, len(space.decisions)))
    sentences = controller.write(uniforms)
    for row, u in enumerate(uniforms):
        for index, rows in enumerate(controller.rows):
            if sentences.active[row, index]:
                ends = np.exp(sentences.log_p[row, rows]).cumsum()
                choice = sentences.choices[row, index]
                assert (ends[choice - 1] if choice else 0.0) <= u[index] < ends[choice] + 1e-12


def test_a_number_beyond_the_rounded_sum_takes_the_last_option():
    sentences = make(TWO).write(np.full((1, 2), np.nextafter(1.0, 0.0)))
    assert sentences.choices.tolist() == [[1, 2]]


@everywhere
def test_the_gradient_is_that_of_torch(space):
    controller = make(space, hidden_size=7)
    sentences, rng = written(controller, 4), np.random.default_rng(2)
    weights, total, tensors = rng.normal(size=sentences.choices.shape), 0.0, parameters(controller)
    for choices, w in zip(sentences.choices, weights, strict=True):
        for index, log_p in tokens(controller, tensors, choices):
            total = total + w[index] * log_p[choices[index]] - 0.3 * (log_p.exp() * log_p).sum()
    exact = gradient(total, tensors)
    assert np.linalg.norm(exact) > 1
    np.testing.assert_allclose(controller.gradient(sentences, weights, 0.3), exact, rtol=0, atol=1e-10)


@everywhere
def test_taken_and_entropies_are_those_of_the_softmaxes_along_the_sentences(space):
    controller = make(space)
    sentences, tensors = written(controller, 6), parameters(controller)
    for row, choices in enumerate(sentences.choices):
        taken, entropies = np.zeros(len(choices)), np.zeros(len(choices))
        for index, log_p in tokens(controller, tensors, choices):
            taken[index] = log_p[choices[index]].item()
            entropies[index] = -(log_p.exp() * log_p).sum().item()
        assert sentences.taken[row] == pytest.approx(taken)
        assert sentences.entropies[row] == pytest.approx(entropies)


def test_a_step_is_that_of_torchs_adam():
    controller, rng = make(TWO), np.random.default_rng(0)
    theirs = torch.tensor(controller.parameters, requires_grad=True)
    reference, before = torch.optim.Adam([theirs], lr=0.01, maximize=True), controller.parameters.copy()
    for _ in range(30):
        step = rng.normal(size=len(before)) * 10.0 ** rng.integers(-6, 3)
        controller.climb(step)
        theirs.grad = torch.tensor(step)
        reference.step()
    np.testing.assert_allclose(controller.parameters, theirs.detach().numpy(), rtol=1e-12)
    assert np.abs(controller.parameters - before).max() > 0.01
    assert controller.b_a[-1] == controller.parameters[-1], "the parts are still views"


THREADS = """
import json, numpy as np, nasedu as nas
from nasedu.strategies.controller import Controller
controller = Controller(nas.spaces.NASBench201(), np.random.default_rng(0), {hidden_size}, learning_rate=0.01)
controller.parameters *= 3
rng = np.random.default_rng(1)
for count in (1, 10, 64):
    sentences = controller.write(rng.random((count, 6)))
    controller.parameters += controller.gradient(sentences, rng.normal(size=(count, 6)), 0.1) / count
print(json.dumps(controller.parameters.tolist()))
"""


@pytest.mark.parametrize("hidden_size", [35, 100])
def test_the_number_of_threads_does_not_matter(hidden_size):
    def run(threads):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, str(threads))}
        command = [sys.executable, "-c", THREADS.format(hidden_size=hidden_size)]
        done = subprocess.run(
            command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    assert run(1) == run(2)
