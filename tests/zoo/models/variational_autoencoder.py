"""VAE (Kingma and Welling, 2013): samples its code in train and in eval mode, on purpose."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, latent: int = 4, hidden: int = 32) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(8 * 8, hidden), nn.Softplus())
        self.to_mean = nn.Linear(hidden, latent)
        self.to_log_variance = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.Softplus(), nn.Linear(hidden, 8 * 8), nn.Unflatten(1, (1, 8, 8))
        )

    def reparameterise(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        deviation = (0.5 * log_variance).exp()
        return mean + deviation * torch.randn_like(mean)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        hidden = self.encoder(x)  # [batch, hidden]
        mean, log_variance = self.to_mean(hidden), self.to_log_variance(hidden)
        code = self.reparameterise(mean, log_variance)  # [batch, latent]
        return {"reconstruction": self.decoder(code), "mean": mean, "log_variance": log_variance}
