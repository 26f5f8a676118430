"""Augmentation: small random changes of the training samples that leave their labels as they are.

For images [batch, channels, height, width], as in NAS-Bench-201 (arXiv:2001.00326) and DARTS (arXiv:1806.09055):

    crop        pad with height/8 zeros on every side (4 of 32), cut out a window of the old size anywhere
    flip        mirror left and right, half of the time
    cutout      set a square of 2·⌊height/4⌋ pixels to zero, its centre anywhere (arXiv:1708.04552); from height 4 on

For signals [batch, channels, length]:

    translate   the same in one dimension: pad with length/8 zeros at both ends, cut out a window of the old length

What moves out does not come back at the other end, as most signals are not periodic; on MNIST-1D, which moves its
digits around the end, it makes no difference that we could measure.

The samples of a batch are changed together, each in its own way. What is drawn is drawn on the CPU, so that
one generator gives the same changes on every device. The training data get harder to learn, so it takes many epochs
until an augmentation pays; in the ten of the lessons it costs accuracy. A mirrored digit is another sign, so flip
is for photographs.

What differs from the papers: inputs are padded after normalization, so the border has each channel's mean colour
where theirs is black.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from nasedu.data import Dataset
from nasedu.networks.initialization import torch_generator

__all__ = ["AUGMENTATIONS", "augmenter", "check_augmentation", "crop", "cutout", "flip", "translate"]


def crop(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return each image moved by up to height/8 pixels, at least 1, up or down and left or right; zeros move in."""
    count, _, height, width = images.shape
    margin = max(1, height // 8)
    padded = torch.nn.functional.pad(images, (margin,) * 4)
    down = _draw(2 * margin + 1, images, generator) + torch.arange(height, device=images.device)  # [batch, height]
    right = _draw(2 * margin + 1, images, generator) + torch.arange(width, device=images.device)  # [batch, width]
    sample = torch.arange(count, device=images.device)
    return padded[sample[:, None, None], :, down[:, :, None], right[:, None, :]].permute(0, 3, 1, 2)


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return each image as it is or mirrored left and right, with equal probability."""
    mirrored = _draw(2, images, generator).view(-1, 1, 1, 1) == 1
    return torch.where(mirrored, images.flip(3), images)


def cutout(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return each image with a square of zeros, 2·⌊height/4⌋ wide, around a pixel drawn uniformly; it may reach over.

    Images lower than 4 stay as they are, so :func:`check_augmentation` refuses them.
    """
    height, width = images.shape[2:]
    half = height // 4
    rows = torch.arange(height, device=images.device) - _draw(height, images, generator)  # [batch, height], from centre
    columns = torch.arange(width, device=images.device) - _draw(width, images, generator)
    in_rows, in_columns = ((-half <= offset) & (offset < half) for offset in (rows, columns))
    return images.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0)


def translate(signals: Tensor, generator: torch.Generator) -> Tensor:
    """Return each signal moved by up to length/8 points, at least 1, to the left or right; zeros move in."""
    length = signals.shape[2]
    margin = max(1, length // 8)
    padded = torch.nn.functional.pad(signals, (margin, margin))
    right = _draw(2 * margin + 1, signals, generator) + torch.arange(length, device=signals.device)  # [batch, length]
    return padded.gather(2, right[:, None].expand_as(signals))


def _draw(end: int, inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return a whole number in 0..end-1 for each sample, [batch, 1], on the inputs' device."""
    return torch.randint(end, (len(inputs), 1), generator=generator).to(inputs.device)


Augmentation = Callable[[Tensor, torch.Generator], Tensor]
AUGMENTATIONS: Mapping[str, tuple[int, Augmentation]] = {  # dimensions of the inputs, without batch and channels
    "crop": (2, crop),
    "flip": (2, flip),
    "cutout": (2, cutout),
    "translate": (1, translate),
}


def augmenter(names: Sequence[str], rng: np.random.Generator) -> Callable[[Tensor], Tensor]:
    """Return the function that does these augmentations to a batch, one after another.

    Args:
        names: of AUGMENTATIONS; without any, batches stay as they are and nothing is drawn.
        rng: seeds the torch generator that all of them draw from.
    """
    if not names:
        return lambda inputs: inputs
    generator = torch_generator(rng)

    def augment(inputs: Tensor) -> Tensor:
        for name in names:
            inputs = AUGMENTATIONS[name][1](inputs, generator)
        return inputs

    return augment


def check_augmentation(names: Sequence[str], dataset: Dataset) -> None:
    """Raise ValueError unless these are augmentations for the dataset's inputs."""
    dims = len(dataset.input_shape) - 1
    fitting = [name for name, (of, _) in AUGMENTATIONS.items() if of == dims]
    for name in [names] if isinstance(names, str) else names:
        if name not in fitting or isinstance(names, str):
            raise ValueError(
                f"augmentation must be a tuple of names; for inputs of shape {dataset.input_shape} there are "
                f"{', '.join(fitting)}; got {names!r}."
            )
    if "cutout" in names and dataset.input_shape[1] < 4:
        raise ValueError(
            f"cutout needs images at least 4 high, for it is half as high; got {dataset.input_shape}. Leave it out."
        )
