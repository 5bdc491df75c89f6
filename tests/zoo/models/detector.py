"""One-stage detector: two scales from a feature pyramid; boxes, classes and centredness for every place."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Head(nn.Module):
    def __init__(self, channels, num_classes):
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.GroupNorm(4, channels), nn.ReLU())
        self.cls_logits = nn.Conv2d(channels, num_classes, 1)
        self.bbox_pred = nn.Conv2d(channels, 4, 1)
        self.centerness = nn.Conv2d(channels, 1, 1)
        nn.init.constant_(self.cls_logits.bias, -2.0)

    def forward(self, feature):
        x = self.tower(feature)
        outputs = self.cls_logits(x), F.softplus(self.bbox_pred(x)), self.centerness(x)
        return [o.flatten(2).permute(0, 2, 1) for o in outputs]  # each (N, H*W, K)


class Model(nn.Module):
    def __init__(self, num_classes=3, channels=16):
        super().__init__()
        self.c3 = nn.Sequential(nn.Conv2d(3, 12, 3, 4, 1), nn.ReLU())  # 32 -> 8
        self.c4 = nn.Sequential(nn.Conv2d(12, 24, 3, 2, 1), nn.ReLU())  # 8 -> 4
        self.lateral3 = nn.Conv2d(12, channels, 1)
        self.lateral4 = nn.Conv2d(24, channels, 1)
        self.head = Head(channels, num_classes)
        self.strides = (4, 8)

    def forward(self, images):
        c3 = self.c3(images)
        c4 = self.c4(c3)
        p4 = self.lateral4(c4)
        p3 = self.lateral3(c3) + F.interpolate(p4, scale_factor=2, mode="nearest")
        logits, boxes, centers = zip(*map(self.head, (p3, p4)), strict=True)
        boxes = [box * stride for box, stride in zip(boxes, self.strides, strict=True)]
        return {"logits": torch.cat(logits, 1), "boxes": torch.cat(boxes, 1), "centerness": torch.cat(centers, 1)}
