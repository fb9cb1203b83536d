"""Lets the tests import torchvision where its compiled operators cannot be loaded.

For tests only, and only for want of a pair that fits: PyPI has no CPU build of torchvision for Linux, so
that a machine with the CPU build of torch often has a torchvision for CUDA beside it. timm, open_clip and the
image processors of transformers cannot do without its import, but what they use are transforms written in
Python, which are whole. So the tests of networks and preprocessing judge the very code that a shop with a
good pair runs. The product refuses such a pair (`recognition.vision.encoders.torchvision_fit`).
"""

from __future__ import annotations

import importlib
import sys
from threading import Lock

# What torchvision's Python part registers shape rules for while it is imported, compiled or not; without its
# library the import ends with "operator torchvision::nms does not exist". Neither operator (suppression of
# overlapping detection boxes) is ever called here: a schema without an implementation is enough.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_lock = Lock()
_declared: list[object] = []


def make_torchvision_importable() -> bool:
    """Import torchvision, declaring the missing operators where that alone stops it.

    Where torchvision is whole this is a plain import. Safe to call often and from several threads.

    Returns
    -------
    whether the operators had to be declared in this process

    Raises
    ------
    ImportError, RuntimeError
        When torchvision is absent or fails for another reason.
    """
    with _lock:
        if "torchvision" not in sys.modules:
            try:
                importlib.import_module("torchvision")
            except RuntimeError as error:
                if "operator torchvision::" not in str(error) or _declared:
                    raise
                _declare()
                importlib.import_module("torchvision")
        return bool(_declared)


def _declare() -> None:
    import torch

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # the halves of the failed import
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    _declared.append(library)  # the operators vanish with the object
