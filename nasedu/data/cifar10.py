"""CIFAR-10: 60,000 photographs of 32×32 pixels in ten classes.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

The 50,000 training images are halved, 25,000 to train and 25,000 to validate, as in NAS-Bench-201
(arXiv:2001.00326, Section 2.2; the halves are our own fixed draw, not the paper's). The 10,000 test
images are the official ones. Channels are normalized with the mean and standard deviation of the
training images, which the constants MEAN and STD give for pixel values in [0, 1].

It is read from the official binary archive or from a much smaller copy in which every image is a
JPEG; JPEG loses a little, so accuracies of the two copies are not comparable to the last digit.
"""

from __future__ import annotations

import functools
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nasedu.data.dataset import Dataset, Split

__all__ = ["load"]

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CHECKSUM = "md5:c32a1d4ab5d03f1284b67883e8d87530"
ARCHIVE, FOLDER, JPEGS = "cifar-10-binary.tar.gz", "cifar-10-batches-bin", "cifar10-jpeg.npz"
TRAIN_FILES = [f"data_batch_{number}.bin" for number in range(1, 6)]
TEST_FILES = ["test_batch.bin"]
IMAGE_SHAPE = (3, 32, 32)
SAMPLES = {"train": 50_000, "test": 10_000}
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the red, green and blue plane
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)
SEED = 0

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]  # [samples, 3, 32, 32], [samples]


def load(path: str | Path | None = None, download: bool = False) -> Dataset:
    """Return the dataset: images of shape (3, 32, 32), normalized by channel; 25,000 + 25,000 + 10,000 samples.

    Args:
        path: the official archive, the folder in it, ``cifar10-jpeg.npz``, or a folder that has one of
            them. None looks in the folder that the environment variable NASEDU_DATA names, and where
            an earlier download was kept.
        download: fetch the official archive (170 MB) if there is no copy.

    Raises:
        FileNotFoundError: there is no copy, and no download was asked for.
        ValueError: a file is damaged, or not CIFAR-10.
    """
    folders = [Path(path)] if path is not None else _folders()
    for folder in folders:
        copy = _find(folder)
        if copy is not None:
            return _read(copy.resolve())
    if not download or path is not None:
        places = " and ".join(str(folder) for folder in folders)
        raise FileNotFoundError(
            f"CIFAR-10 is not in {places}. load('cifar10', download=True) fetches it (170 MB), or say where you have "
            f"{ARCHIVE}, {FOLDER} or {JPEGS}: load('cifar10', path=...), or set NASEDU_DATA to its folder."
        )
    import pooch

    return _read(Path(pooch.retrieve(URL, CHECKSUM, fname=ARCHIVE, path=folders[0], progressbar=True)))


def _folders() -> list[Path]:
    import pooch

    named = os.environ.get("NASEDU_DATA")
    return ([Path(named)] if named else []) + [Path(pooch.os_cache("nasedu"))]


def _find(place: Path) -> Path | None:
    if (place / TEST_FILES[0]).is_file() or place.is_file():
        return place
    copies = [place / name for name in (FOLDER, ARCHIVE, JPEGS) if (place / name).exists()]
    return copies[0] if copies else None


@functools.cache
def _read(copy: Path) -> Dataset:
    train, test = _read_jpegs(copy) if copy.suffix == ".npz" else _read_binary(copy)
    found = {"train": len(train[1]), "test": len(test[1])}
    if found != SAMPLES:
        raise ValueError(
            f"{copy} is not CIFAR-10: it must have {SAMPLES['train']:,} training and {SAMPLES['test']:,} test images; "
            f"got {found['train']:,} and {found['test']:,}. Copy it again, or download {URL}."
        )
    order = np.random.default_rng(SEED).permutation(len(train[1]))
    first, second = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    images, labels = train
    splits = [(images[first], labels[first]), (images[second], labels[second]), test]
    return Dataset("cifar10", IMAGE_SHAPE, 10, *(Split(_normalize(inputs), labels) for inputs, labels in splits))


def _normalize(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = images.astype(np.float32)
    values /= 255
    values -= np.array(MEAN, np.float32)[:, None, None]
    values /= np.array(STD, np.float32)[:, None, None]
    return values


def _read_binary(copy: Path) -> tuple[Images, Images]:
    """Read the official binary format, from its archive or its folder."""
    if copy.is_dir():
        missing = [name for name in TRAIN_FILES + TEST_FILES if not (copy / name).is_file()]
        if missing:
            raise ValueError(f"{copy} is not complete: {', '.join(missing)} is missing. Unpack {ARCHIVE} again.")
        files = {name: (copy / name).read_bytes() for name in TRAIN_FILES + TEST_FILES}
    else:
        files = _unpack(copy)
    return _records(files, TRAIN_FILES, copy), _records(files, TEST_FILES, copy)


def _unpack(archive: Path) -> dict[str, bytes]:
    wanted = TRAIN_FILES + TEST_FILES
    try:
        with tarfile.open(archive) as members:
            contents = {
                Path(member.name).name: file.read()
                for member in members
                if Path(member.name).name in wanted and (file := members.extractfile(member)) is not None
            }
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(
            f"{archive} is damaged, or not {ARCHIVE}: {error}. Delete it and download it again."
        ) from error
    if set(contents) != set(wanted):
        missing = ", ".join(sorted(set(wanted) - set(contents)))
        raise ValueError(f"{archive} is not {ARCHIVE}: {missing} is missing.")
    return contents


def _records(files: dict[str, bytes], names: list[str], copy: Path) -> Images:
    for name in names:
        if len(files[name]) % RECORD:
            raise ValueError(
                f"{name} in {copy} must be whole records of {RECORD} bytes; got {len(files[name])} bytes. "
                "It was cut off: download it again."
            )
    records = np.frombuffer(b"".join(files[name] for name in names), np.uint8).reshape(-1, RECORD)
    return records[:, 1:].reshape(-1, *IMAGE_SHAPE), records[:, 0].astype(np.int64)


def _read_jpegs(copy: Path) -> tuple[Images, Images]:
    """Read a copy whose images are JPEGs one after another: image i is bytes offsets[i] to offsets[i + 1]."""
    with np.load(copy, allow_pickle=False) as arrays:
        needed = [f"{split}_{part}" for split in ("train", "test") for part in ("jpeg", "offsets", "labels")]
        missing = [name for name in needed if name not in arrays]
        if missing:
            raise ValueError(f"{copy} is not a JPEG copy of CIFAR-10: {', '.join(missing)} is missing.")
        return _decode(arrays, "train", copy), _decode(arrays, "test", copy)


def _decode(arrays: Any, split: str, copy: Path) -> Images:
    from PIL import Image  # comes with matplotlib

    jpeg, offsets = arrays[f"{split}_jpeg"].tobytes(), arrays[f"{split}_offsets"].tolist()
    if offsets[-1] != len(jpeg):
        raise ValueError(f"{copy}: the {split} offsets must end at {len(jpeg)} bytes; got {offsets[-1]}.")
    images = np.empty((len(offsets) - 1, *IMAGE_SHAPE), np.uint8)
    for index in range(len(images)):
        with Image.open(io.BytesIO(jpeg[offsets[index] : offsets[index + 1]])) as image:
            images[index] = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    return images, arrays[f"{split}_labels"].astype(np.int64)
