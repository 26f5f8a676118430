"""Checkpoints: what a weight-sharing search needs to go on, beside its history.

A black-box search resumes by replaying its history. The weights of a supernet are not in a history, so
they are written to an ``*.npz`` file of numpy arrays, which can carry no code, as a whole or not at all:
to a temporary file first, which then takes the place of the last one.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["read", "write"]

FORMAT, VERSION = "nasedu.checkpoint", 1


def write(path: Path, search: Mapping[str, Any], step: int, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint.

    Args:
        path: of the file; its folder is made if need be.
        search: which search this is, as plain data.
        step: how many steps are done.
        tensors: what the next step depends on.
    """
    about = json.dumps({"format": FORMAT, "version": VERSION, "search": dict(search), "step": step})
    arrays: dict[str, Any] = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("wb") as file:
        np.savez(file, about=np.array(about), **arrays)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def read(path: Path, search: Mapping[str, Any]) -> tuple[int, dict[str, Tensor]]:
    """Read a checkpoint of this search: the steps done, and the tensors.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no checkpoint, or one of another search.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"cannot resume: the weights are not at {path}. Put the file back beside its history, or choose another "
            "file for a new search. To look at what is there, nasedu.History.load needs no weights."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            tensors = {name: torch.from_numpy(file[name]) for name in file.files if name != "about"}
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a checkpoint of nasedu: {error}.") from error
    if (about.get("format"), about.get("version")) != (FORMAT, VERSION):
        raise ValueError(
            f"{path} must be a {FORMAT} of version {VERSION}; got {about.get('format')!r}, {about.get('version')!r}."
        )
    if about["search"] != json.loads(json.dumps(dict(search))):
        raise ValueError(f"{path} belongs to another search than the history beside it. Choose another file.")
    return about["step"], tensors
