"""SSD-ResNet18 at 300 x 300 in plain PyTorch: same layers, targets, loss and optimiser."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.twins.backbones_torch import ConvNorm, ResNet18


class Extra(nn.Module):
    def __init__(self, cin: int, squeeze: int, cout: int, stride: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(cin, squeeze, 1)
        self.out = ConvNorm(("conv", "bn"), squeeze, cout, 3, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.out(F.relu(self.squeeze(x))))


class SSD(nn.Module):
    def __init__(self, channels: int, anchors_per_cell: list[int]) -> None:
        super().__init__()
        self.channels = channels
        self.backbone = ResNet18()
        shape = [(512, 256, 256, 1), (256, 128, 256, 2), (256, 64, 128, 2)]
        self.extras = nn.ModuleList(Extra(*s) for s in [*shape, *[(128, 64, 128, 2)] * 2])
        inputs = (128, 256, 256, 128, 128, 128)
        self.conf = nn.ModuleList(
            nn.Conv2d(c, n * channels, 3, padding=1)
            for c, n in zip(inputs, anchors_per_cell, strict=True)
        )
        self.loc = nn.ModuleList(
            nn.Conv2d(c, n * 4, 3, padding=1) for c, n in zip(inputs, anchors_per_cell, strict=True)
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        _, first, _, x = self.backbone.maps(x)
        maps = [first]
        for extra in self.extras:
            x = extra(x)
            maps.append(x)
        batch = x.shape[0]

        def join(heads: nn.ModuleList, width: int) -> torch.Tensor:
            outputs = [head(m) for head, m in zip(heads, maps, strict=True)]
            return torch.cat([y.permute(0, 2, 3, 1).reshape(batch, -1, width) for y in outputs], 1)

        return join(self.conf, self.channels), join(self.loc, 4)


def iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b))
    return inter / (area_a[:, None] + area_b[None] - inter)


def assign(
    anchors: torch.Tensor, boxes: torch.Tensor, labels: torch.Tensor, variances: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the class and the deltas of each anchor of one image."""
    overlap = iou(boxes, anchors)
    best, match = overlap.max(0)
    forced = overlap.argmax(1)
    best[forced] = 2.0
    match[forced] = torch.arange(len(boxes))
    target = torch.where(best >= 0.5, labels[match] + 1, 0)
    gt = boxes[match]
    size, gt_size = anchors[:, 2:] - anchors[:, :2], gt[:, 2:] - gt[:, :2]
    centre = ((gt[:, :2] + gt[:, 2:]) - (anchors[:, :2] + anchors[:, 2:])) / 2 / size
    deltas = torch.cat([centre, torch.log(gt_size / size)], 1) / variances
    return target, deltas


def multibox(
    logits: torch.Tensor, deltas: torch.Tensor, target: torch.Tensor, wanted: torch.Tensor
) -> torch.Tensor:
    positive = target > 0
    count = positive.sum().clamp(min=1)
    ce = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
    ce = ce.view(target.shape)
    negatives = torch.where(positive, 0, ce.detach()).flatten()
    hardest = negatives.topk(min(int(3 * count), negatives.numel())).indices
    loss = ce[positive].sum() + ce.flatten()[hardest].sum()
    return (loss + F.smooth_l1_loss(deltas[positive], wanted[positive], reduction="sum")) / count


class TorchStep:
    """One compiled-free training step on a constant batch."""

    def __init__(self, batch: dict, anchors, variances, anchors_per_cell, *, threads, last) -> None:
        torch.manual_seed(0)
        torch.set_num_threads(threads)
        self.format = torch.channels_last if last else torch.contiguous_format
        channels = int(batch["labels"].max()) + 2
        self.model = SSD(channels, anchors_per_cell).to(memory_format=self.format)
        self.model.train()
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-3, momentum=0.9, weight_decay=2e-4
        )
        images = torch.from_numpy(batch["images"]).permute(0, 3, 1, 2)
        self.images = images.contiguous(memory_format=self.format)
        self.anchors = torch.from_numpy(anchors)
        self.variances = torch.tensor(variances)
        real = [labels >= 0 for labels in batch["labels"]]
        self.boxes = [torch.from_numpy(b[r]) for b, r in zip(batch["boxes"], real, strict=True)]
        self.labels = [
            torch.from_numpy(x[r]).long() for x, r in zip(batch["labels"], real, strict=True)
        ]

    def __call__(self) -> float:
        targets = [
            assign(self.anchors, b, x, self.variances)
            for b, x in zip(self.boxes, self.labels, strict=True)
        ]
        logits, deltas = self.model(self.images)
        loss = multibox(
            logits,
            deltas,
            torch.stack([t[0] for t in targets]),
            torch.stack([t[1] for t in targets]),
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())
