"""LeNet-like classifier for grey digits, one nn.Sequential."""

from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 5, padding=2),  # [B, 8, 28, 28]
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # [B, 8, 14, 14]
            nn.Conv2d(8, 16, 5),  # [B, 16, 10, 10]
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2),  # [B, 16, 5, 5]
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 64),
            nn.Tanh(),
            nn.Dropout(0.2),
            nn.Linear(64, classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))  # [B, classes]
