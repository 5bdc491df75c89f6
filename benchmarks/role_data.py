"""Small data sets for `roles.py`, drawn from one seed each: what no built-in set has."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

Examples = tuple[NDArray[Any], NDArray[Any]]
NOISE = 0.3


def shapes() -> Examples:
    """Images [800, 1, 12, 12] of a filled square, a frame, a cross or a diagonal, somewhere and with noise."""
    draw = np.random.default_rng(1)
    x = draw.normal(0, NOISE, (800, 1, 12, 12)).astype(np.float32)
    y = draw.integers(0, 4, 800)
    for image, kind in zip(x[:, 0], y, strict=True):
        row, column = draw.integers(0, 7, 2)
        image[row : row + 6, column : column + 6] += _shape(int(kind))
    return x, y


def _shape(kind: int) -> NDArray[Any]:
    square = np.ones((6, 6), dtype=np.float32)
    if kind == 1:
        square[1:-1, 1:-1] = 0
    elif kind == 2:
        square[[0, 1, 4, 5]] *= np.array([0, 0, 1, 1, 0, 0], dtype=np.float32)
    elif kind == 3:
        square *= np.eye(6, dtype=np.float32)
    return square


def textures() -> Examples:
    """Colour images [600, 3, 10, 10] of stripes, across or along, wide or narrow."""
    draw = np.random.default_rng(2)
    y = draw.integers(0, 4, 600)
    stripes = np.sin(np.arange(10) * (1 + y // 2)[:, None] + draw.uniform(0, 6, (600, 1)))
    along = np.where((y % 2 == 0)[:, None, None], stripes[:, :, None], stripes[:, None, :])
    x = np.broadcast_to(along[:, None], (600, 3, 10, 10))
    return (x + draw.normal(0, NOISE, x.shape)).astype(np.float32), y


def waves() -> Examples:
    """Sequences [600, 24, 2] of a sine, a square wave or a ramp, with another such channel of noise."""
    draw = np.random.default_rng(3)
    y = draw.integers(0, 3, 600)
    at = np.arange(24) / 4 + draw.uniform(0, 6, (600, 1))
    sine = np.sin(at)
    made = np.select([y[:, None] == 0, y[:, None] == 1], [sine, np.sign(sine)], at % 2 - 1)
    x = np.stack([made, draw.normal(0, 1, made.shape)], axis=-1) + draw.normal(0, NOISE, (600, 24, 2))
    return x.astype(np.float32), y


def events() -> Examples:
    """Sequences [600, 20, 3]: which of two events came first, among a third that means nothing."""
    draw = np.random.default_rng(4)
    x = draw.normal(0, NOISE, (600, 20, 3)).astype(np.float32)
    y = draw.integers(0, 2, 600)
    for one, first in zip(x, y, strict=True):
        early, late = sorted(draw.choice(20, 2, replace=False))
        one[early, first] += 2
        one[late, 1 - first] += 2
        one[draw.integers(20), 2] += 2
    return x, y


def graphs() -> Examples:
    """Graphs of eight nodes as adjacency matrices [600, 1, 8, 8], in random order: with or without a triangle."""
    draw = np.random.default_rng(5)
    kept: dict[int, list[NDArray[Any]]] = {0: [], 1: []}
    while min(map(len, kept.values())) < 300:
        upper = np.triu(draw.random((8, 8)) < 0.22, 1)
        graph = (upper | upper.T).astype(np.float32)
        kept[int(np.trace(graph @ graph @ graph) > 0)].append(graph)
    x = np.stack([graph for kind in (0, 1) for graph in kept[kind][:300]])[:, None]
    order = draw.permutation(600)
    return x[order], np.repeat([0, 1], 300)[order]


def sentences() -> str:
    """Text of a small grammar: what follows depends on the words before."""
    draw = random.Random(6)
    who, what = ("the cat", "a dog", "the old man"), ("sees", "hears", "likes")
    lines = (f"{draw.choice(who)} {draw.choice(what)} {draw.choice(who)}.\n" for _ in range(900))
    return "".join(lines)


def brackets() -> str:
    """Balanced brackets of two kinds, to be generated: each closing one must fit the last that is open."""
    draw = random.Random(7)
    text, opened = [], ""
    for _ in range(16_000):
        if opened and (len(opened) > 5 or draw.random() < 0.5):
            text.append({"(": ")", "[": "]"}[opened[-1]])
            opened = opened[:-1]
        else:
            text.append(draw.choice("(["))
            opened += text[-1]
    return "".join(text)
