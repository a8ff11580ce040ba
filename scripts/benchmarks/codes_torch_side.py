"""vector-quantize-pytorch's side: the autoencoders of its examples, eager. Import it where the package is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from vector_quantize_pytorch import FSQ, LFQ, SimVQ, VectorQuantize  # pyright: ignore[reportMissingImports]

torch.set_num_threads(os.cpu_count() or 1)

Functions = tuple[Callable[[np.ndarray], None], Callable[[np.ndarray], tuple[float, float]]]


def sides(num_codes: int, size: int, levels: Sequence[int], rate: float) -> dict[str, Functions]:
    """Name -> a step on a batch of bytes, and the test, as in `codes.Side`."""
    num_bits = num_codes.bit_length() - 1
    vq = {"dim": size, "codebook_size": num_codes, "accept_image_fmap": True, "rotation_trick": True}
    return {
        "FSQ": _side(FSQ(list(levels)), len(levels), 240, 0.0, rate),
        "VQ": _side(VectorQuantize(**vq), size, num_codes, 10.0, rate),
        "VQ, from means, revived": _side(
            VectorQuantize(**vq, kmeans_init=True, threshold_ema_dead_code=5, decay=0.99), size, num_codes, 10.0, rate
        ),
        "LFQ": _side(
            LFQ(codebook_size=num_codes, dim=num_bits, entropy_loss_weight=0.02, diversity_gamma=1.0, spherical=True),
            num_bits,
            num_codes,
            1.0,
            rate,
            is_normalised=True,
        ),
        "SimVQ": _side(SimVQ(dim=size, codebook_size=num_codes, channel_first=True), size, num_codes, 1.0, rate),
    }


def _side(
    quantiser: nn.Module, size: int, num_codes: int, weight: float, rate: float, *, is_normalised: bool = False
) -> Functions:
    torch.manual_seed(0)
    narrow = size != 32
    encoder = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.GELU(), nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2),
        *([nn.GroupNorm(4, 32, affine=False)] if is_normalised else []), *([nn.Conv2d(32, size, 1)] if narrow else []),
    )  # fmt: skip
    decoder = nn.Sequential(
        *([nn.Conv2d(size, 32, 3, padding=1)] if narrow else []), nn.Upsample(scale_factor=2),
        nn.Conv2d(32, 16, 3, padding=1), nn.GELU(), nn.Upsample(scale_factor=2), nn.Conv2d(16, 1, 3, padding=1),
    )  # fmt: skip
    modules = nn.ModuleList([encoder, quantiser, decoder])
    optimizer = torch.optim.AdamW(modules.parameters(), lr=rate)

    def run(images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | float]:
        x = torch.from_numpy(images.astype(np.float32) / 127.5 - 1)[:, None]
        vectors, codes, *loss = quantiser(encoder(x))
        return (decoder(vectors).clamp(-1, 1) - x).abs().mean(), codes, loss[0] if loss else 0.0

    def step(images: np.ndarray) -> None:
        error, _, loss = run(images)
        optimizer.zero_grad(set_to_none=True)
        (error + weight * loss).backward()
        optimizer.step()

    def test(images: np.ndarray) -> tuple[float, float]:
        modules.eval()
        with torch.no_grad():
            errors, codes, _ = zip(*(run(part) for part in np.split(images, 20)), strict=True)
        return float(torch.stack(errors).mean()), len(torch.cat(codes).unique()) / num_codes

    return step, test
