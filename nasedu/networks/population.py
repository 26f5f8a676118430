"""K networks with different cells as one: every operation of all of them in a few large calls.

One small convolution costs a processor more to start than to compute. So the K networks lie side by side,
signals in [K, channels, batch, *space], and all edges that do the same thing are computed together:

    for each node j = 1, 2, 3 of the cell:
        for each operation o that some network has on an edge into node j:
            x ← the source nodes of these P edges, all networks        [P, channels, batch, *space]
            y ← o(x)                                                     one call: P groups of channels
            add y to node j of the networks

Edges that cannot matter are left out, and only operations in use have weights. All weights lie in one vector, so
that one optimizer call moves them all. No network ever touches another's numbers: losses and gradients are
those of training one network after another, up to rounding; on one CPU thread they are the same bit by bit, whoever
else is there.

What makes it quick on a processor, where every pass over memory counts:
    * The nodes of all networks are slots of one tensor, which stays from step to step. What needs no weights goes from
      slot to slot without a copy between; convolutions get their sources copied together, unless they lie side by side.
    * A batch norm of one network's channel is a group norm with one channel a group, for channel and batch are
      neighbours here; torch computes that in one pass over memory, and its batch norm in several.
    * The gradient is written out by hand, each layer's ``backward`` below its ``forward``; the automatic one
      spends half its time on zeros.
    * In evaluation batch norms are folded into the convolutions.

Symbols:
    K  networks      P  edges with the same operation and target      g  ∂ loss / ∂ output of a layer
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasedu.networks.nasbench201 import Cell, CellNetwork, Reduction
from nasedu.networks.operations import pooling_matrix

__all__ = ["PopulationNetwork"]

PADDING = 64  # zeros after the last weight: optimizers round the end of a vector otherwise than its middle
LARGEST_MATRIX = 512  # positions; beyond that a product with a matrix is slower than pooling, here
SLOT_BY_SLOT = ("cpu",)  # devices where many calls that copy nothing are quicker than one that copies


class PopulationNetwork:
    """K networks of NAS-Bench-201 cells in the micro skeleton, trained as one.

    Args:
        networks: from :func:`nasedu.networks.build` with the micro skeleton, all with the same input, classes, channels
            and number of cells. Their weights are copied; :meth:`write_back` returns them.
        input_shape: of one sample, without the batch.
        device: where to compute.

    Attributes:
        weights: all trainable numbers of all networks, one vector.
        gradient: of the loss by the weights, set by :meth:`backward`.
        statistics: the running statistics of all batch norms, which a training step changes too.

    Raises:
        ValueError: there is no network, or one is of another kind or size.
    """

    def __init__(self, networks: Sequence[nn.Module], input_shape: Sequence[int], device: torch.device) -> None:
        members = _check(networks)
        count = sum(weights.numel() for network in members for weights in network.parameters())
        self._size = len(members)
        dtype = next(members[0].parameters()).dtype
        self.weights = torch.zeros(count + PADDING, dtype=dtype, device=device)
        self.gradient = torch.zeros_like(self.weights)
        self.statistics: list[Tensor] = []
        self._taken = 0
        self._copies: list[tuple[Tensor, list[Tensor]]] = []  # ours, and the networks' own

        space = torch.Size(input_shape[1:])
        self._stem = _Convolutions(self, [network.stem for network in members])
        self._stages: list[_Cells | _Reductions] = []
        for stage in zip(*(network.stages for network in members), strict=True):
            if isinstance(stage[0], Reduction):
                self._stages.append(_Reductions(self, stage, space))
                space = torch.Size(-(-length // 2) for length in space)
            else:
                self._stages.append(_Cells(self, stage, space))
        self._heads = _Heads(self, members)

    def __len__(self) -> int:
        return self._size

    def take(self, originals: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
        """Copy P weights of one shape; return ours and their gradient, [P, *shape], views of the two vectors."""
        theirs = list(originals)
        stacked = torch.stack([each.detach() for each in theirs])
        place = slice(self._taken, self._taken + stacked.numel())
        self._taken = place.stop
        ours = self.weights[place].view(stacked.shape).copy_(stacked)
        self._copies.append((ours, theirs))
        return ours, self.gradient[place].view(stacked.shape)

    def take_statistics(self, originals: Iterable[Tensor]) -> Tensor:
        """Copy P running statistics of one shape; return ours, [P, *shape]."""
        theirs = list(originals)
        ours = torch.stack(theirs).to(self.weights.device)
        self.statistics.append(ours)
        self._copies.append((ours, theirs))
        return ours

    @torch.no_grad()
    def write_back(self) -> None:
        """Copy weights and running statistics into the networks that this one was made of."""
        for ours, theirs in self._copies:
            for values, original in zip(ours, theirs, strict=True):
                original.copy_(values)

    def forward(self, inputs: Tensor, training: bool) -> Tensor:
        """Return logits [K, batch, classes].

        Args:
            inputs: [K, channels, batch, *space], a batch for each network; in evaluation one, [1, …], may be for all.
            training: batch norms use the batch, and what :meth:`backward` needs is kept; else running statistics.
        """
        x = self._stem.forward(inputs, training)
        for stage in self._stages:
            x = stage.forward(x, training)
        return self._heads.forward(x, training)

    def backward(self, g: Tensor) -> None:
        """Set :attr:`gradient`.

        Args:
            g: [K, batch, classes], the gradient by the logits of the last ``forward`` in training.
        """
        g = self._heads.backward(g)
        for stage in reversed(self._stages):
            g = stage.backward(g)
        self._stem.backward_to_weights(g)


class _Normalizations:
    """P batch norms, each over the channels of one network and one edge."""

    def __init__(self, owner: PopulationNetwork, originals: Sequence[nn.Module]) -> None:
        norms = cast("Sequence[nn.BatchNorm1d | nn.BatchNorm2d]", originals)
        self.scale, self.scale_gradient = owner.take(norm.weight for norm in norms)  # γ [P, channels]
        self.shift, self.shift_gradient = owner.take(norm.bias for norm in norms)  # β
        self.mean = owner.take_statistics(cast(Tensor, norm.running_mean) for norm in norms)
        self.variance = owner.take_statistics(cast(Tensor, norm.running_var) for norm in norms)
        self.steps = owner.take_statistics(cast(Tensor, norm.num_batches_tracked) for norm in norms)
        momentum = norms[0].momentum
        assert momentum is not None, "the running statistics of our networks are moving averages"
        self.momentum, self.epsilon = momentum, norms[0].eps

    def forward(self, z: Tensor) -> Tensor:
        """Return z, [P, channels, batch, *space], normalized over batch and space; the running statistics follow."""
        rows, values = self.scale.numel(), z[0, 0].numel()
        self.z = z
        y, self.batch_mean, self.batch_inverse = torch.native_group_norm(
            z, self.scale.view(-1), self.shift.view(-1), 1, rows, values, rows, self.epsilon
        )
        unbiased = (self.batch_inverse**-2).sub_(self.epsilon).mul_(values / max(1, values - 1))
        self.mean.lerp_(self.batch_mean.view_as(self.mean), self.momentum)
        self.variance.lerp_(unbiased.view_as(self.variance), self.momentum)
        self.steps.add_(1)
        return y.view_as(z)

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by z."""
        rows, values = self.scale.numel(), g[0, 0].numel()
        gz, g_scale, g_shift = torch.ops.aten.native_group_norm_backward(
            *(g, self.z, self.batch_mean, self.batch_inverse, self.scale.view(-1), 1, rows, values, rows),
            [True, True, True],
        )
        self.scale_gradient.copy_(g_scale.view_as(self.scale))
        self.shift_gradient.copy_(g_shift.view_as(self.shift))
        return cast(Tensor, gz).view_as(g)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Return factor and offset, [P, channels], of the linear map that this is in evaluation."""
        factor = self.scale * (self.variance + self.epsilon).rsqrt()
        return factor, self.shift - self.mean * factor


class _Convolutions:
    """P convolutions of size 1 or 3, each with its batch norm; the ReLU before it is with whoever has the input."""

    def __init__(self, owner: PopulationNetwork, layers: Sequence[nn.Module]) -> None:
        pairs = [list(layer.children())[-2:] for layer in layers]
        self.weight, self.weight_gradient = owner.take(cast(Tensor, convolution.weight) for convolution, _ in pairs)
        self.norm = _Normalizations(owner, [norm for _, norm in pairs])
        self.is_product = self.weight.shape[-1] == 1

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return [P, channels out, batch, *space] of x, [P, channels, batch, *space]."""
        if training:
            self.x = x
            return self.norm.forward(self._convolve(x, self.weight, None))
        factor, offset = self.norm.folded()
        return self._convolve(x, self.weight * factor.view(*factor.shape, *[1] * (self.weight.dim() - 2)), offset)

    def backward(self, g: Tensor) -> Tensor:
        """Set the weights' gradients and return that by x."""
        return cast(Tensor, self._backward(g, by_input=True))

    def backward_to_weights(self, g: Tensor) -> None:
        """Set the weights' gradients alone: nobody needs that of the samples."""
        self._backward(g, by_input=False)

    def _backward(self, g: Tensor, by_input: bool) -> Tensor | None:
        g, x = self.norm.backward(g), self.x
        if self.is_product:
            flat_g, matrix = g.flatten(2), self.weight.flatten(2)
            self.weight_gradient.copy_(torch.bmm(flat_g, x.flatten(2).transpose(1, 2)).view_as(self.weight))
            return torch.bmm(matrix.transpose(1, 2), flat_g).view_as(x) if by_input else None
        ones = [1] * (x.dim() - 2)
        gx, gw, _ = torch.ops.aten.convolution_backward(
            *(_side_by_side(g), _side_by_side(x), _grouped(self.weight), None),
            *(ones, self._padding(x), ones, False, [0] * len(ones), max(2, len(x))),
            [by_input, True, False],
        )
        self.weight_gradient.copy_(gw[: len(gw) // max(2, len(x)) * len(x)].view_as(self.weight))
        return cast(Tensor, gx)[:, : x.shape[0] * x.shape[1]].view_as(x) if by_input else None

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.is_product:
            matrix, columns = weight.flatten(2), x.flatten(2)
            z = torch.bmm(matrix, columns) if bias is None else torch.baddbmm(bias[:, :, None], matrix, columns)
            return z.view(len(x), -1, *x.shape[2:])
        # along space; the batch is a further axis, of which a window sees one row
        convolve = F.conv2d if x.dim() == 4 else F.conv3d
        if len(x) < len(weight):  # the same inputs for all
            flat_weight, flat_bias = weight.flatten(0, 1).unsqueeze(2), None if bias is None else bias.flatten()
            z = convolve(x, flat_weight, flat_bias, padding=self._padding(x))
        else:
            flat_bias = None if bias is None else _at_least_two(bias).flatten()
            z = convolve(_side_by_side(x), _grouped(weight), flat_bias, padding=self._padding(x), groups=max(2, len(x)))
        return z[:, : weight.shape[0] * weight.shape[1]].view(len(weight), -1, *x.shape[2:])

    @staticmethod
    def _padding(x: Tensor) -> list[int]:
        return [0] + [1] * (x.dim() - 3)


def _at_least_two(x: Tensor) -> Tensor:
    """Return x [P, …], twice if P is 1: for one group alone torch takes another algorithm, which rounds otherwise."""
    return torch.cat([x, x]) if len(x) == 1 else x


def _side_by_side(x: Tensor) -> Tensor:
    """Return [1, P · channels, batch, *space] of [P, channels, batch, *space]."""
    return _at_least_two(x).reshape(1, -1, *x.shape[2:])


def _grouped(weight: Tensor) -> Tensor:
    """Return [P · channels out, channels, 1, *window] of [P, channels out, channels, *window]."""
    return _at_least_two(weight).reshape(-1, weight.shape[2], 1, *weight.shape[3:])


class _Links:
    """The slots that P edges read and write, as views of the tensor of all slots, made once.

    Args:
        slots: of all nodes [slots, channels, batch, *space].
        sources: which slot each edge reads, rising.
        targets: which slot each edge writes.
        fresh: whether nobody has written there before in a step; if so it is overwritten, and else added to.
    """

    def __init__(self, slots: Tensor, sources: Sequence[int], targets: Sequence[int], fresh: Sequence[bool]) -> None:
        self.slots, self.slot_by_slot = slots, slots.device.type in SLOT_BY_SLOT
        self.sources, self.targets = (torch.tensor(each, device=slots.device) for each in (sources, targets))
        self.together = slots[sources[0] : sources[-1] + 1] if len(_runs(sources)) == 1 else None

        def view(ends: Sequence[int], run: slice) -> Tensor:
            return slots[ends[run.start] : ends[run.stop - 1] + 1]

        runs = _runs(targets, fresh=fresh)
        self.lengths = [run.stop - run.start for run in runs]
        self.writes = [(view(targets, run), fresh[run.start]) for run in runs]
        self.moves = [
            (_rows(view(sources, run)), _rows(view(targets, run)), fresh[run.start])
            for run in _runs(sources, targets, fresh=fresh)
        ]

    def read(self) -> Tensor:
        """Return what the edges read, [P, channels, batch, *space]: a view of the slots where that is possible."""
        return self.slots.index_select(0, self.sources) if self.together is None else self.together

    def read_rectified(self) -> Tensor:
        """Return the ReLU of what the edges read, a tensor of its own."""
        return self.read().relu_() if self.together is None else self.together.relu()

    def write(self, values: Tensor) -> None:
        """Let values arrive, [P, …]. On a GPU the order of sums into one slot is open, and so their last bits."""
        if not self.slot_by_slot:
            self.slots.index_add_(0, self.targets, values)
            return
        for (slots, fresh), arriving in zip(self.writes, values.split_with_sizes(self.lengths), strict=True):
            if fresh:
                slots.copy_(arriving)
            else:
                slots.add_(arriving)

    def write_through_relu(self, g: Tensor, outputs: Tensor) -> None:
        """Let the gradient by the inputs of a ReLU arrive: of g by its outputs, both [P, …]."""
        if not self.slot_by_slot:
            self.write(_through_relu(g, outputs))
            return
        parts = zip(self.writes, g.split_with_sizes(self.lengths), outputs.split_with_sizes(self.lengths), strict=True)
        for (slots, fresh), arriving, output in parts:
            if fresh:
                torch.ops.aten.threshold_backward.grad_input(arriving, output, 0, grad_input=slots)
            else:
                slots.add_(_through_relu(arriving, output))

    def move(self, through: Callable[..., Tensor] | None) -> None:
        """Let what the edges read arrive, as it is or through a function of :func:`_rows` that takes an ``out``."""
        if not self.slot_by_slot:
            x = self.slots.index_select(0, self.sources)  # no view: index_add_ wants none of what it adds to
            self.write(x if through is None else through(_rows(x)).view_as(x))
            return
        for sources, targets, fresh in self.moves:
            if fresh and through is not None:
                through(sources, out=targets)
            elif fresh:
                targets.copy_(sources)
            else:
                targets.add_(sources if through is None else through(sources))


def _rows(x: Tensor) -> Tensor:
    """Return [P · channels · batch, positions] of [P, channels, batch, *space]."""
    return x.flatten(3).flatten(0, 2)


def _runs(*columns: Sequence[int], fresh: Sequence[bool] = ()) -> list[slice]:
    """Return the longest runs of edges in which every column counts up by 1 and ``fresh`` stays the same."""
    cuts = [0]
    for edge in range(1, len(columns[0])):
        goes_on = all(column[edge] == column[edge - 1] + 1 for column in columns)
        if not goes_on or (fresh and fresh[edge] != fresh[edge - 1]):
            cuts.append(edge)
    return [slice(start, stop) for start, stop in pairwise([*cuts, len(columns[0])])]


Ends = tuple[Sequence[int], Sequence[int]]
"""The slots that the edges of a group read, and those that they write."""


class _Flow:
    """One way through the cells of all networks, forwards or backwards: the tensor of slots, and its links.

    Args:
        entering: what enters, [K, channels, batch, *space]; only shape and kind matter.
        size: how many slots there are.
        entrance: the slots where it enters.
        exit: those where it leaves.
        groups: for each group of edges, in order, which slots they read and which they write.
    """

    def __init__(self, entering: Tensor, size: int, entrance: slice, exit: slice, groups: Sequence[Ends]) -> None:
        self.slots = entering.new_zeros(size, *entering.shape[1:])
        self.entrance, self.exit = self.slots[entrance], self.slots[exit]
        written = {*range(size)[entrance]}
        self.links = []
        for sources, targets in groups:
            fresh = []
            for slot in targets:
                fresh.append(slot not in written)
                written.add(slot)
            self.links.append(_Links(self.slots, sources, targets, fresh))

    def enter(self, x: Tensor) -> list[_Links]:
        """Let x enter, and return the links, in order."""
        if self.slots.device.type not in SLOT_BY_SLOT:
            self.slots.zero_()
        self.entrance.copy_(x)
        return self.links


class _Cells:
    """One cell of each network.

    The values of all nodes lie in one tensor [slots, channels, batch, *space]: first the inputs of the K networks,
    then node 1 of those that have it, then node 2, and node 3 of all. Edges with the same operation into the same node
    are a *group*.
    """

    def __init__(self, owner: PopulationNetwork, stage: Sequence[nn.Module], space: torch.Size) -> None:
        cells = cast("Sequence[Cell]", stage)
        self.pool = _Pool(space, 3, 1, owner.weights)
        slot: dict[tuple[int, int], int] = {}  # of (node, network)
        for node in (0, 1, 2, 3):
            for k, cell in enumerate(cells):
                if node in (0, 3) or any(target == node for _, _, target in cell.live):
                    slot[node, k] = len(slot)
        groups: dict[tuple[int, str], list[tuple[int, int, nn.Module]]] = {}
        for k, cell in enumerate(cells):
            for edge, source, target in cell.live:
                operation = cell.operations[edge]
                ends = slot[source, k], slot[target, k]
                groups.setdefault((target, _kind(operation)), []).append((*ends, operation))
        self.count, self.slots = len(cells), len(slot)
        self.kinds: list[str] = []
        self.ends: list[Ends] = []
        self.convolutions: list[_Convolutions | None] = []
        for node, kind in sorted(groups):  # the same order of sums, whoever else is there
            sources, targets, operations = zip(*sorted(groups[node, kind], key=itemgetter(0)), strict=True)
            self.kinds.append(kind)
            self.ends.append((sources, targets))
            self.convolutions.append(_Convolutions(owner, operations) if kind.startswith("convolution") else None)
        self.flows: dict[tuple[bool, torch.Size], _Flow] = {}

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return the output nodes, [K, channels, batch, *space] like the inputs x; the next call writes over them."""
        flow = self._flow(x, backwards=False)
        for links, convolutions, kind in zip(flow.enter(x), self.convolutions, self.kinds, strict=True):
            if convolutions is not None:
                links.write(convolutions.forward(links.read_rectified(), training))
            else:
                links.move(self.pool.forward if kind == "pool" else None)
        return flow.exit

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by the inputs; the next call writes over it."""
        flow = self._flow(g, backwards=True)
        for links, convolutions, kind in zip(flow.enter(g), self.convolutions[::-1], self.kinds[::-1], strict=True):
            if convolutions is not None:
                links.write_through_relu(convolutions.backward(links.read()), convolutions.x)
            else:
                links.move(self.pool.backward if kind == "pool" else None)
        return flow.exit

    def _flow(self, entering: Tensor, backwards: bool) -> _Flow:
        key = backwards, entering.shape
        if key not in self.flows:
            inputs, outputs = slice(0, self.count), slice(self.slots - self.count, self.slots)
            if backwards:
                groups = [(targets, sources) for sources, targets in reversed(self.ends)]
                self.flows[key] = _Flow(entering, self.slots, outputs, inputs, groups)
            else:
                self.flows[key] = _Flow(entering, self.slots, inputs, outputs, self.ends)
        return self.flows[key]


class _Pool:
    """The pooling of :func:`nasedu.networks.operations.average_pool`, of windows along space.

    Args:
        space: of the inputs.
        size: of the window, 2 or 3.
        stride: of the window.
        weights: of the population, for their kind and device.
    """

    def __init__(self, space: torch.Size, size: int, stride: int, weights: Tensor) -> None:
        self.pooled_space = torch.Size(-(-length // stride) for length in space)
        self.matrix = None  # [positions in, positions out]
        if space.numel() <= LARGEST_MATRIX:
            self.matrix = pooling_matrix(space, size, stride, weights.dtype, weights.device)
        height = [1] * (2 - len(space))  # signals are images of height 1
        self.images, self.pooled_images = (*height, *space), (*height, *self.pooled_space)
        margin, is_cut = (size - 1) // 2, size == 2
        self.windows = ((size, size), (stride, stride), (margin, margin), is_cut, False, None)
        if len(space) == 1:
            self.windows = ((1, size), (1, stride), (0, margin), is_cut, False, None)

    def forward(self, x: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the local means of x, a signal or an image in each row [rows, positions]; written to ``out``."""
        if self.matrix is not None:
            return torch.mm(x, self.matrix, out=out)
        images = x.view(-1, *self.images)
        if out is None:
            return cast(Tensor, torch.ops.aten.avg_pool2d(images, *self.windows)).flatten(1)
        torch.ops.aten.avg_pool2d.out(images, *self.windows, out=out.view(-1, *self.pooled_images))
        return out

    def backward(self, g: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the gradient by the inputs [rows, positions]."""
        if self.matrix is not None:
            return torch.mm(g, self.matrix.T, out=out)
        images = g.view(-1, *self.pooled_images)
        inputs = g.new_empty(1).expand(len(g), *self.images)  # only their shape matters
        gx = torch.ops.aten.avg_pool2d_backward(images, inputs, *self.windows)
        return gx.flatten(1) if out is None else out.copy_(gx.flatten(1))


class _Reductions:
    """The reduction of each network: average of 2, ReLU, convolution of size 1, batch norm."""

    def __init__(self, owner: PopulationNetwork, stage: Sequence[nn.Module], space: torch.Size) -> None:
        self.pool = _Pool(space, 2, 2, owner.weights)
        self.convolutions = _Convolutions(owner, [cast(Reduction, each).convolution for each in stage])

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return [K, 2 · channels, batch, *space/2]."""
        self.shape = x.shape
        pooled = self.pool.forward(_rows(x)).relu_()
        return self.convolutions.forward(pooled.view(*x.shape[:3], *self.pool.pooled_space), training)

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by the inputs."""
        g = _through_relu(self.convolutions.backward(g), self.convolutions.x)
        return self.pool.backward(_rows(g)).view(self.shape)


class _Heads:
    """Batch norm, ReLU, global average and linear classifier of each network."""

    def __init__(self, owner: PopulationNetwork, members: Sequence[CellNetwork]) -> None:
        self.norm = _Normalizations(owner, [network.norm for network in members])
        self.weight, self.weight_gradient = owner.take(network.classifier.weight for network in members)
        self.bias, self.bias_gradient = owner.take(network.classifier.bias for network in members)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return logits [K, batch, classes]."""
        if training:
            x = self.norm.forward(x)
        else:
            factor, offset = (each.view(*each.shape, *[1] * (x.dim() - 2)) for each in self.norm.folded())
            x = (x * factor).add_(offset)
        self.x = x.relu_()
        self.features = x.flatten(3).mean(3).transpose(1, 2)  # [K, batch, channels]
        return torch.baddbmm(self.bias[:, None], self.features, self.weight.transpose(1, 2))

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by the inputs, [K, channels, batch, *space]."""
        self.bias_gradient.copy_(g.sum(1))
        self.weight_gradient.copy_(torch.bmm(g.transpose(1, 2), self.features))
        average = torch.bmm(g, self.weight).transpose(1, 2) / self.x[0, 0, 0].numel()  # [K, channels, batch]
        spread = average.reshape(*self.x.shape[:3], *[1] * (self.x.dim() - 3)).expand_as(self.x)
        return self.norm.backward(_through_relu(spread, self.x))


def _through_relu(g: Tensor, output: Tensor) -> Tensor:
    """Return the gradient by a ReLU's input."""
    return torch.ops.aten.threshold_backward(g, output, 0)  # type: ignore[no-any-return]


def _kind(operation: nn.Module) -> str:
    if isinstance(operation, nn.Identity):
        return "skip"
    if isinstance(operation, nn.Sequential):
        return f"convolution {cast('nn.Conv1d | nn.Conv2d', operation[1]).kernel_size[0]}"
    return "pool"


def _check(networks: Sequence[nn.Module]) -> list[CellNetwork]:
    if not networks:
        raise ValueError("a population needs at least one network; got none.")
    members = []
    for network in networks:
        if not isinstance(network, CellNetwork) or any(not isinstance(s, Cell | Reduction) for s in network.stages):
            raise ValueError(
                "a population is made of NAS-Bench-201 cells in the micro skeleton, from nasedu.networks.build; "
                f"got a {type(network).__name__}. Train other networks one by one."
            )
        members.append(network)
        if _sizes(network) != _sizes(members[0]):
            raise ValueError(
                "the networks of a population must have the same input, classes, channels and number of cells; got "
                f"{_sizes(members[0])} and {_sizes(network)}."
            )
    return members


def _sizes(network: CellNetwork) -> str:
    stem = tuple(next(network.stem.parameters()).shape)
    return f"stem {stem}, {len(network.stages)} stages, classifier {tuple(network.classifier.weight.shape)}"
