"""The weightless nodes of SSD's exported graph: softmax, decode, NMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detforge.errors import ExportError
from detforge.export.boxes import decode_boxes
from detforge.export.nms import multiclass_nms
from detforge_ssd.anchors import anchor_config
from detforge_ssd.model import NMS_CANDIDATES, SSD

if TYPE_CHECKING:
    from detforge.deployment import Target
    from detforge.export.graph import GlueGraph
    from detforge_ssd import spec_pb2
