"""The networks of NASNet-like cells: published numbers of parameters, and the count by formula for the others."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nasedu.networks import build
from nasedu.networks.cell_operations import operation
from nasedu.networks.darts import network
from nasedu.networks.initialization import materialize
from nasedu.spaces.darts import DARTS, DARTS_V1, DARTS_V2
from nasedu.spaces.enas import ENAS_MICRO, ENASMicro
from nasedu.spaces.nasnet import AMOEBANET_A, NASNET_A, OPERATIONS, PNASNET_5, AmoebaNet, NASNet, PNASNet

CIFAR, IMAGENET = (3, 32, 32), (3, 224, 224)
PUBLISHED = {
    "DARTS_V1": (DARTS(), DARTS_V1),
    "DARTS_V2": (DARTS(), DARTS_V2),
    "NASNet-A": (NASNet(), NASNET_A),
    "AmoebaNet-A": (AmoebaNet(), AMOEBANET_A),
    "PNASNet-5": (PNASNet(), PNASNET_5),
    "ENAS": (ENASMicro(), ENAS_MICRO),
}


def rng(seed=0):
    return np.random.default_rng(seed)


def cells(name):
    space, text = PUBLISHED[name]
    return space.parse(text)


def inputs(shape, batch=4, seed=0):
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(seed))


def counts(architecture, shape, classes, channels, layers, **options):
    """Parameters without and with the auxiliary classifier."""
    with torch.device("meta"):
        whole = network(architecture, shape, classes, channels, 1, layers=layers, auxiliary=True, **options)
        alone = network(architecture, shape, classes, channels, 1, layers=layers, **options)
    return tuple(sum(weights.numel() for weights in each.parameters()) for each in (alone, whole))


@pytest.mark.parametrize(
    ("name", "channels", "layers", "expected"),
    [
        ("DARTS_V1", 16, 8, (232_890, 668_356)),
        ("DARTS_V1", 8, 5, (35_058, 454_140)),
        ("DARTS_V1", 36, 20, (3_169_414, 3_645_840)),
        ("DARTS_V2", 16, 8, (246_106, 681_572)),
        ("DARTS_V2", 8, 5, (37_018, 456_100)),
        ("DARTS_V2", 4, 3, (2_858, 413_748)),
        ("DARTS_V2", 36, 20, (3_349_342, 3_825_768)),
    ],
)
def test_darts_networks_for_cifar_have_the_published_parameters(name, channels, layers, expected):
    assert counts(cells(name), CIFAR, 10, channels, layers) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("DARTS_V1", (4_510_432, 5_771_208)), ("DARTS_V2", (4_718_752, 5_979_528))]
)
def test_darts_networks_for_imagenet_have_the_published_parameters(name, expected):
    assert counts(cells(name), IMAGENET, 1000, 48, 14, stem="imagenet") == expected


def weights_of(name, c, stride):
    """Parameters of an operation on c channels, by formula: kernels, and a scale and a shift per batch norm."""
    if "pool" in name:
        return 0
    if name == "skip_connect":
        return 0 if stride == 1 else c * c + 2 * c
    k = int(name[-1])
    if name.startswith("sep"):
        return 2 * (k * k * c + c * c + 2 * c)
    if name.startswith("dil"):
        return k * k * c + c * c + 2 * c
    if name in ("conv_3x1_1x3", "conv_7x1_1x7"):
        return 2 * k * c * c + 2 * c
    return k * k * c * c + 2 * c


def expected_count(space, text, classes, c, layers, stem):
    """The skeleton once more, from its description alone: a stem, cells that read the two before them, a classifier."""
    genotype = eval(text.replace("Genotype", "dict"))  # a constant of the package
    if stem == "cifar":
        total, before = 3 * 9 * 3 * c + 2 * 3 * c, 3 * c
    else:
        total = 3 * 9 * c // 2 + c + 9 * c // 2 * c + 2 * c + 9 * c * c + 2 * c
        before = c
    last, auxiliary = before, 0
    for layer in range(layers):
        kind = "reduce" if layer in (layers // 3, 2 * layers // 3) else "normal"
        c *= 2 if kind == "reduce" else 1
        total += before * c + 2 * c + last * c + 2 * c  # both inputs brought to c channels
        for name, source in genotype[kind]:
            total += weights_of(name, c, 2 if kind == "reduce" and source < 2 else 1)
        before, last = last, len(genotype[f"{kind}_concat"]) * c
        if layer == 2 * layers // 3:
            norms = 2 * 128 + 2 * 768 * (stem == "cifar")
            auxiliary = last * 128 + 4 * 128 * 768 + norms + 769 * classes
    total += (last + 1) * classes
    return total, total + auxiliary


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize(("c", "layers", "stem"), [(36, 20, "cifar"), (8, 5, "cifar"), (48, 14, "imagenet")])
def test_published_cells_have_the_parameters_that_arithmetic_gives(name, c, layers, stem):
    shape, classes = (CIFAR, 10) if stem == "cifar" else (IMAGENET, 1000)
    expected = expected_count(*PUBLISHED[name], classes, c, layers, stem)
    assert counts(cells(name), shape, classes, c, layers, stem=stem) == expected


@pytest.mark.parametrize(
    ("name", "cifar", "imagenet"),
    [
        ("NASNet-A", (3_830_950, 4_288_944), (5_564_320, 6_800_520)),
        ("AmoebaNet-A", (3_145_078, 3_603_072), (4_627_360, 5_863_560)),
    ],
)
def test_nasnet_and_amoebanet_in_the_skeleton_of_darts_keep_these_numbers(name, cifar, imagenet):
    """No paper states them to the last digit; here so that other implementations can be held against ours."""
    assert counts(cells(name), CIFAR, 10, 36, 20) == cifar
    assert counts(cells(name), IMAGENET, 1000, 48, 14, stem="imagenet") == imagenet


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("shape", [(4, 9), (4, 6, 7)])
def test_every_operation_keeps_the_channels_and_halves_by_its_stride(name, shape):
    for stride in (1, 2):
        module = materialize(lambda stride=stride: operation(name, len(shape) - 1, 4, stride), rng())
        assert module(inputs(shape)).shape == (4, 4, *(-(-size // stride) for size in shape[1:]))
        if len(shape) == 3:
            assert sum(weights.numel() for weights in module.parameters()) == weights_of(name, 4, stride)


def test_convolutions_along_both_directions_are_the_product_of_their_kernels():
    module = materialize(lambda: operation("conv_7x1_1x7", 2, 1, 2), rng()).eval()
    x = inputs((1, 9, 12)).abs()
    kernel = module[2].weight @ module[1].weight  # [7, 1] · [1, 7]
    assert kernel.shape == (1, 1, 7, 7)
    assert torch.allclose(module(x), module[3](F.conv2d(x, kernel, stride=2, padding=3)), atol=1e-6)
    assert module[1].stride == (1, 2) and module[2].stride == (2, 1)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_max_pooling_takes_the_maximum_of_its_window(size):
    x = inputs((1, 20), batch=1)
    pooled = operation(f"max_pool_{size}x{size}", 1, 1, 2)(x)[0, 0]
    assert [float(v) for v in pooled] == [
        float(x[0, 0, max(0, i - size // 2) : i + size // 2 + 1].max()) for i in range(0, 20, 2)
    ]


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("shape", [(1, 40), (3, 9, 7)])
def test_published_cells_map_signals_and_images_to_logits_and_have_gradients(name, shape):
    built = build(cells(name), shape, 7, channels=4, cells=1, rng=rng())
    logits = built(inputs(shape))
    assert logits.shape == (4, 7) and len(built.cells) == 5
    logits.square().sum().backward()
    missing = [key for key, weights in built.named_parameters() if weights.grad is None]
    assert missing == []


def test_cells_per_stage_make_the_published_number_of_layers():
    assert len(build(cells("DARTS_V2"), (1, 40), 10, channels=4, cells=6, rng=rng()).cells) == 20
    assert len(build(cells("DARTS_V2"), (1, 40), 10, channels=4, layers=7, rng=rng()).cells) == 7


def test_a_cell_adds_and_concatenates_as_its_genotype_says():
    """The reduction cell of NASNet-A written out with its own modules: nodes 4 to 6 are its output."""
    built = build(cells("NASNet-A"), (3, 8, 8), 5, channels=4, layers=2, rng=rng()).eval()
    assert [stage.outputs for stage in built.cells] == [(4, 5, 6), (4, 5, 6)]
    cell, x = built.cells[0], built.stem(inputs((3, 8, 8)))
    h0, h1, ops = cell.before(x), cell.last(x), cell.operations
    n2 = ops[0](h1) + ops[1](h0)
    n3 = F.max_pool2d(h1, 3, 2, 1) + ops[3](h0)
    n4 = F.avg_pool2d(h1, 3, 2, 1, count_include_pad=False) + ops[5](h0)
    n5 = n3 + F.avg_pool2d(n2, 3, 1, 1, count_include_pad=False)
    n6 = ops[8](n2) + F.max_pool2d(h1, 3, 2, 1)
    assert torch.allclose(cell(x, x), torch.cat([n4, n5, n6], dim=1), atol=1e-6)


def reordered(genes, draws):
    """A cell with its nodes in another order and some pairs of genes swapped; and where each state and gene went."""
    pairs, order = list(zip(genes[::2], genes[1::2], strict=True)), []
    while len(order) < len(pairs):
        ready = [
            node
            for node in set(range(len(pairs))) - set(order)
            if all(source < 2 or source - 2 in order for _, source in pairs[node])
        ]
        order.append(ready[int(draws.integers(len(ready)))])
    state_to = {0: 0, 1: 1, **{node + 2: new + 2 for new, node in enumerate(order)}}
    found, gene_to = [], {}
    for node in order:
        for k in draws.permutation(2):
            gene_to[2 * node + int(k)] = len(found)
            name, source = pairs[node][k]
            found.append((name, state_to[source]))
    return found, state_to, gene_to


def channels_to(outputs, state_to, channels):
    """Where the channels of a cell's output went."""
    went = sorted(state_to[state] for state in outputs)
    return [went.index(state_to[state]) * channels + c for state in outputs for c in range(channels)]


@pytest.mark.parametrize("space", [NASNet(), AmoebaNet(), ENASMicro(), DARTS()], ids=lambda space: space.name)
def test_cells_of_one_name_compute_the_same_function_for_matching_weights(space):
    """Both cells are written in another order, and every weight is carried to where its operation went."""
    for seed in range(3):
        draws = rng(seed)
        one = space.sample(draws)
        both = [space.genes(one.choices, cell) for cell in ("normal", "reduce")]
        moved = [reordered(genes, draws) for genes in both]
        other = space.from_genes(*(genes for genes, _, _ in moved))
        assert space.canonical(one) == space.canonical(other)
        ours, theirs = (
            build(each, (3, 8, 8), 5, channels=4, layers=4, rng=rng(k)).double().eval()
            for k, each in enumerate((one, other))
        )
        weights, went = ours.state_dict(), {}
        carried = {key: value for key, value in weights.items() if not key.startswith("cells.")}
        for n, cell in enumerate(ours.cells):
            moved_genes, state_to, gene_to = moved[n in (1, 2)]
            place = {}  # of a gene in the network, whose nodes may order theirs by source
            for gene, new in gene_to.items():
                node = new // 2
                pair = [moved_genes[2 * node], moved_genes[2 * node + 1]]
                order = sorted((0, 1), key=lambda k, pair=pair: pair[k][1]) if space.two_sources else [0, 1]
                place[gene] = 2 * node + order.index(new % 2)
            for key, value in weights.items():
                if key.startswith(f"cells.{n}.operations."):
                    _, _, _, gene, *rest = key.split(".")
                    carried[".".join(["cells", str(n), "operations", str(place[int(gene)]), *rest])] = value
                elif key.startswith(f"cells.{n}."):
                    source = n - 2 if ".before." in key else n - 1
                    into = went.get(source) if value.dim() == 4 else None
                    carried[key] = value if into is None else value[:, torch.tensor(into).argsort()]
            went[n] = channels_to(cell.outputs, state_to, 4 * 2 ** (n >= 1) * 2 ** (n >= 2))
        carried["classifier.weight"] = weights["classifier.weight"][:, torch.tensor(went[3]).argsort()]
        theirs.load_state_dict(carried)
        x = inputs((3, 8, 8)).double()
        assert torch.allclose(ours(x), theirs(x))


def with_head(**options):
    return build(cells("DARTS_V2"), CIFAR, 10, channels=4, auxiliary=True, rng=rng(), **options).eval()


@pytest.mark.parametrize("layers", [2, 5])
def test_the_auxiliary_classifier_changes_nothing_of_the_network(layers):
    both = with_head(layers=layers)
    alone = build(cells("DARTS_V2"), CIFAR, 10, channels=4, layers=layers, rng=rng(1)).eval()
    alone.load_state_dict({key: value for key, value in both.state_dict().items() if "auxiliary" not in key})
    x = inputs(CIFAR)
    logits, auxiliary = both.with_auxiliary(x)
    assert torch.equal(alone(x), logits) and torch.equal(both(x), logits)
    assert logits.shape == auxiliary.shape == (4, 10) and not torch.equal(logits, auxiliary)


def test_the_auxiliary_classifier_reads_the_second_reduction_and_nothing_after_it():
    network, x = with_head(layers=5), inputs(CIFAR)
    before = [logits.detach().clone() for logits in network.with_auxiliary(x)]
    for weights in network.cells[4].parameters():
        weights.data.mul_(0.5)
    after = network.with_auxiliary(x)
    assert not torch.equal(before[0], after[0]) and torch.equal(before[1], after[1])
    for weights in network.cells[3].parameters():
        weights.data.mul_(0.5)
    assert not torch.equal(before[1], network.with_auxiliary(x)[1])


def test_the_imagenet_stem_leaves_an_eighth_of_the_resolution():
    network, x = with_head(layers=5, stem="imagenet"), inputs((3, 256, 256), batch=1)
    first = network.stem(x)
    assert first.shape[2:] == (64, 64) and network.second_stem(first).shape[2:] == (32, 32)
    assert all(logits.shape == (1, 10) for logits in network.with_auxiliary(x))


def test_what_cannot_be_built_is_said():
    with pytest.raises(ValueError, match=r"at least 29 positions .*got \(2, 2\).*without auxiliary=True"):
        with_head(layers=5).with_auxiliary(inputs((3, 8, 8)))
    with pytest.raises(ValueError, match="no auxiliary classifier; build it with auxiliary=True"):
        build(cells("DARTS_V1"), CIFAR, 10, channels=4, rng=rng()).with_auxiliary(inputs(CIFAR))
    with pytest.raises(ValueError, match="unknown stem 'mnist'; there are cifar and imagenet"):
        build(cells("DARTS_V1"), CIFAR, 10, rng=rng(), stem="mnist")
    with pytest.raises(ValueError, match="layers must be at least 1; got 0"):
        build(cells("DARTS_V1"), CIFAR, 10, rng=rng(), layers=0)
