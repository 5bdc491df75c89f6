"""Encoder and decoder (nn.Transformer): a source sentence, and the target so far."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, source_words: int = 50, target_words: int = 60, width: int = 16) -> None:
        super().__init__()
        self.source = nn.Embedding(source_words, width)
        self.target = nn.Embedding(target_words, width)
        self.places = nn.Parameter(0.1 * torch.randn(32, width))
        self.transformer = nn.Transformer(
            width, 2, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=32, dropout=0.1, batch_first=True
        )
        self.generate = nn.Linear(width, target_words)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        length = target.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(length, device=target.device)
        before = self.source(source) + self.places[: source.shape[1]]
        after = self.target(target) + self.places[:length]
        return self.generate(self.transformer(before, after, tgt_mask=mask))
