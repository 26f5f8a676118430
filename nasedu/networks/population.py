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
    * The nodes of all networks are slots of one tensor. Networks that have an operation in common lie in
      neighbouring slots, which are used in place; only the rest is copied together.
    * A batch norm of one network's channel is a group norm with one channel a group, for channel and batch are
      neighbours here; torch computes that in one pass over memory, and its batch norm in several.
    * The gradient is written out by hand, each layer's ``backward`` below its ``forward``; the automatic one
      spends half its time on zeros.
    * In evaluation batch norms are folded into the convolutions.

Symbols:
    K  networks      P  edges with the same operation and target      g  ∂ loss / ∂ output of a layer
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasedu.networks.nasbench201 import Cell, CellNetwork, Reduction
from nasedu.networks.operations import pooling_matrix

__all__ = ["PopulationNetwork"]

PADDING = 64  # zeros after the last weight: optimizers round the end of a vector otherwise than its middle
LARGEST_MATRIX = 512  # positions; beyond that a product with a matrix is slower than pooling, here
MOST_RUNS = 8  # beyond that, one call that copies is quicker than many that do not


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
            inputs: [K, channels, batch, *space], a batch for each network.
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
        flat_bias = None if bias is None else _at_least_two(bias).flatten()
        z = convolve(_side_by_side(x), _grouped(weight), flat_bias, padding=self._padding(x), groups=max(2, len(x)))
        return z[:, : weight.shape[0] * weight.shape[1]].view(len(x), -1, *x.shape[2:])

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


class _Places:
    """Slots that P edges read from or write to: in place where neighbours follow each other, else through an index.

    Args:
        slots: of each edge.
        fresh: which of them nobody has written before; these are written, and the others added to.
    """

    def __init__(self, slots: Sequence[int], fresh: Sequence[bool], device: torch.device) -> None:
        self.index = torch.tensor(slots, device=device)
        self.runs: list[tuple[slice, slice, bool]] = []  # slots, edges, fresh
        for edge, (slot, is_fresh) in enumerate(zip(slots, fresh, strict=True)):
            if self.runs:
                before, edges, was_fresh = self.runs[-1]
                if slot == before.stop and is_fresh == was_fresh:
                    self.runs[-1] = slice(before.start, slot + 1), slice(edges.start, edge + 1), is_fresh
                    continue
            self.runs.append((slice(slot, slot + 1), slice(edge, edge + 1), is_fresh))

    @property
    def in_place(self) -> bool:
        """Whether writing goes slot by slot: then fresh slots need no zeros."""
        return len(self.runs) <= MOST_RUNS

    def read(self, values: Tensor, rectify: bool = False) -> Tensor:
        """Return [P, …] of values [slots, …]: a view where that is possible; rectified, it is a tensor of its own."""
        if all(run[0].start == before[0].stop for before, run in zip(self.runs, self.runs[1:], strict=False)):
            view = values[self.runs[0][0].start : self.runs[-1][0].stop]
            return view.relu() if rectify else view
        copy = values.index_select(0, self.index)
        return copy.relu_() if rectify else copy

    def add(self, values: Tensor, arriving: Tensor) -> None:
        """Add [P, …] to values [slots, …]. On a GPU the order of sums into one slot is open, and so their last bits."""
        if not self.in_place:
            values.index_add_(0, self.index, arriving)
            return
        for slots, edges, fresh in self.runs:
            if fresh:
                values[slots].copy_(arriving[edges])
            else:
                values[slots].add_(arriving[edges])


class _Edges:
    """The edges of all networks that have one operation and lead to one node."""

    def __init__(
        self, owner: PopulationNetwork, kind: str, operations: list[nn.Module], sources: _Places, targets: _Places
    ) -> None:
        self.kind, self.sources, self.targets = kind, sources, targets
        self.convolutions = _Convolutions(owner, operations) if kind.startswith("convolution") else None


class _Cells:
    """One cell of each network.

    The values of all nodes lie in one tensor [slots, channels, batch, *space]: first the inputs of the K networks,
    then node 1 of those that have it, then node 2, and node 3 of all.
    """

    def __init__(self, owner: PopulationNetwork, stage: Sequence[nn.Module], space: torch.Size) -> None:
        cells = cast("Sequence[Cell]", stage)
        device = owner.weights.device
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
        order = sorted(groups)  # the same order of sums, whoever else is there
        for group in groups.values():
            group.sort(key=lambda edge: edge[0])
        self.count, self.slots = len(cells), len(slot)
        inputs, outputs = range(self.count), range(self.slots - self.count, self.slots)

        targets, self.values_to_zero = _places(
            [[e[1] for e in groups[each]] for each in order], inputs, len(slot), device
        )
        sources, self.gradients_to_zero = _places(
            [[e[0] for e in groups[each]] for each in reversed(order)], outputs, len(slot), device
        )
        self.edges = [
            _Edges(owner, kind, [edge[2] for edge in groups[node, kind]], source, target)
            for (node, kind), source, target in zip(order, reversed(sources), targets, strict=True)
        ]

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return the output nodes, [K, channels, batch, *space] like the inputs x."""
        values = x.new_empty(self.slots, *x.shape[1:])
        values[: self.count] = x
        values.index_fill_(0, self.values_to_zero, 0)
        for edges in self.edges:
            if edges.convolutions is not None:
                arriving = edges.convolutions.forward(edges.sources.read(values, rectify=True), training)
            elif edges.kind == "pool":
                arriving = self.pool.forward(edges.sources.read(values))
            else:
                arriving = edges.sources.read(values)
            edges.targets.add(values, arriving)
        return values[self.slots - self.count :]

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by the inputs."""
        gradients = g.new_empty(self.slots, *g.shape[1:])
        gradients[self.slots - self.count :] = g
        gradients.index_fill_(0, self.gradients_to_zero, 0)
        for edges in reversed(self.edges):
            leaving = edges.targets.read(gradients)
            if edges.convolutions is not None:
                leaving = _through_relu(edges.convolutions.backward(leaving), edges.convolutions.x)
            elif edges.kind == "pool":
                leaving = self.pool.backward(leaving)
            edges.sources.add(gradients, leaving)
        return gradients[: self.count]


def _places(
    groups: list[list[int]], written: Iterable[int], slots: int, device: torch.device
) -> tuple[list[_Places], Tensor]:
    """Return where each group of edges writes, in this order, and the slots that must be zero before it."""
    written, places, to_zero = set(written), [], set()
    for group in groups:
        fresh = []
        for slot in group:
            fresh.append(slot not in written)
            written.add(slot)
        places.append(_Places(group, fresh, device))
        if not places[-1].in_place:
            to_zero |= {slot for slot, is_fresh in zip(group, fresh, strict=True) if is_fresh}
    to_zero |= set(range(slots)) - written
    return places, torch.tensor(sorted(to_zero), dtype=torch.int64, device=device)


class _Pool:
    """The pooling of :func:`nasedu.networks.operations.average_pool`, of windows along space.

    Args:
        space: of the inputs.
        size: of the window, 2 or 3.
        stride: of the window.
        weights: of the population, for their kind and device.
    """

    def __init__(self, space: torch.Size, size: int, stride: int, weights: Tensor) -> None:
        self.space, self.pooled_space = space, [-(-length // stride) for length in space]
        self.matrix = None  # [positions in, positions out]
        if space.numel() <= LARGEST_MATRIX:
            self.matrix = pooling_matrix(space, size, stride, weights.dtype, weights.device)
        margin, is_cut = (size - 1) // 2, size == 2
        self.windows = ((size, size), (stride, stride), (margin, margin), is_cut, False, None)
        if len(space) == 1:
            self.windows = ((1, size), (1, stride), (0, margin), is_cut, False, None)

    def forward(self, x: Tensor) -> Tensor:
        """Return the local means of x, [P, channels, batch, *space]."""
        if self.matrix is not None:
            return (x.reshape(-1, len(self.matrix)) @ self.matrix).view(*x.shape[:3], *self.pooled_space)
        pooled: Tensor = torch.ops.aten.avg_pool2d(_as_images(x), *self.windows)
        return pooled.view(*x.shape[:3], *self.pooled_space)

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by the inputs."""
        if self.matrix is not None:
            return (g.reshape(-1, self.matrix.shape[1]) @ self.matrix.T).view(*g.shape[:3], *self.space)
        inputs = g.new_empty(1).expand(*g.shape[:3], *self.space)  # only their shape matters
        gx: Tensor = torch.ops.aten.avg_pool2d_backward(_as_images(g), _as_images(inputs), *self.windows)
        return gx.view(*g.shape[:3], *self.space)


def _as_images(x: Tensor) -> Tensor:
    """Return [P · channels, batch, height, width] of [P, channels, batch, *space]; signals have height 1."""
    return (x if x.dim() == 5 else x.unsqueeze(3)).flatten(0, 1)


class _Reductions:
    """The reduction of each network: average of 2, ReLU, convolution of size 1, batch norm."""

    def __init__(self, owner: PopulationNetwork, stage: Sequence[nn.Module], space: torch.Size) -> None:
        self.pool = _Pool(space, 2, 2, owner.weights)
        self.convolutions = _Convolutions(owner, [cast(Reduction, each).convolution for each in stage])

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return [K, 2 · channels, batch, *space/2]."""
        return self.convolutions.forward(self.pool.forward(x).relu_(), training)

    def backward(self, g: Tensor) -> Tensor:
        """Return the gradient by the inputs."""
        g = _through_relu(self.convolutions.backward(g), self.convolutions.x)
        return self.pool.backward(g)


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
