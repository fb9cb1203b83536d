"""Augments squares to what a camera sees: turned, lit, blurred, half behind a hand, on a counter."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

SKIN_TONES = ((215, 170, 135), (190, 135, 95), (140, 85, 60))


class Augmenter:
    """Random views of a batch, all drawn from one generator, computed on tensors.

    Parameters
    ----------
    size_px : side of the square views
    generator : source of all randomness; lives on the processor whatever the device
    """

    def __init__(self, size_px: int, generator: torch.Generator) -> None:
        self.size_px = size_px
        self.generator = generator

    def __call__(self, images: Tensor, counter_share: Tensor) -> Tensor:
        """Draw one view of each image.

        Parameters
        ----------
        images : float (n, 3, side, side) in 0..1, contiguous: channels-last doubles the cost
        counter_share : float (n,), the chance of each image to be shown as a cut-out on a counter

        Returns
        -------
        float (n, 3, size_px, size_px) in 0..1
        """
        count = len(images)
        on_counter = self._chance(count, counter_share.to(images.device), images)
        grid = self._grid(count, on_counter, images)
        view = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
        edge = ((1.0 - grid.abs().amax(dim=3)) * (self.size_px / 4.0) + 0.5).clamp(0.0, 1.0)
        mask = torch.where(on_counter[:, None, None], edge, torch.ones_like(edge))[:, None]
        view = view * mask + self._counter(images) * (1.0 - mask)
        view = self._blur(self._light(view))
        view = self._hand(self._glare(view))
        noise = torch.randn(view.shape, generator=self.generator).to(view.device)
        return (view + noise * self._uniform(count, 0.0, 0.03, view)[:, None, None, None]).clamp(0.0, 1.0)

    def _uniform(self, count: int, low: float, high: float, like: Tensor) -> Tensor:
        return (torch.rand(count, generator=self.generator) * (high - low) + low).to(like.device)

    def _chance(self, count: int, share: float | Tensor, like: Tensor) -> Tensor:
        return self._uniform(count, 0.0, 1.0, like) < share

    def _grid(self, count: int, on_counter: Tensor, like: Tensor) -> Tensor:
        """Sampling grid (n, size, size, 2) of a random turn, stretch, zoom, shift and tilt."""
        angle = self._uniform(count, -1.0, 1.0, like) ** 3 * math.radians(30) + self._uniform(
            count, -0.12, 0.12, like
        )
        stretch = self._uniform(count, -0.2, 0.2, like).exp()
        close = self._uniform(count, math.log(0.55), math.log(1.05), like).exp()
        cut_out = self._uniform(count, math.log(0.9), math.log(1.4), like).exp()
        zoom = torch.where(on_counter, cut_out, close)
        reach = (1.0 - zoom).abs() + 0.08
        shift_x = self._uniform(count, -1.0, 1.0, like) * reach
        shift_y = self._uniform(count, -1.0, 1.0, like) * reach
        tilt_x, tilt_y = (self._uniform(count, -0.15, 0.15, like) for _ in range(2))
        axis = (torch.arange(self.size_px, device=like.device) + 0.5) * (2.0 / self.size_px) - 1.0
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        x, y = x[None], y[None]
        depth = 1.0 + tilt_x[:, None, None] * x + tilt_y[:, None, None] * y
        cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
        across = (cos * x + sin * y) * (zoom * stretch)[:, None, None] / depth + shift_x[:, None, None]
        down = (cos * y - sin * x) * (zoom / stretch)[:, None, None] / depth + shift_y[:, None, None]
        return torch.stack([across, down], dim=3)

    def _counter(self, images: Tensor) -> Tensor:
        """Backgrounds (n, 3, size, size): soft colour fields, or a blurred piece of another image."""
        count, size = len(images), self.size_px
        coarse = torch.rand(count, 3, 4, 4, generator=self.generator).to(images.device)
        tint = torch.rand(count, 3, 1, 1, generator=self.generator).to(images.device)
        plain = F.interpolate(
            tint * 0.8 + coarse * 0.25, size=(size, size), mode="bilinear", align_corners=False
        )
        other = images.roll(1, dims=0)[:, :, 4::8, 4::8].contiguous()
        busy = F.interpolate(other, size=(size, size), mode="bilinear", align_corners=False)
        chosen = self._chance(count, 0.6, images)[:, None, None, None]
        return torch.where(chosen, plain, busy)

    def _light(self, view: Tensor) -> Tensor:
        """Exposure, contrast, saturation, white balance, gamma and a slope of light over the item."""
        count = len(view)

        def each(low: float, high: float) -> Tensor:
            return self._uniform(count, low, high, view)[:, None, None, None]

        balance = (torch.rand(count, 3, 1, 1, generator=self.generator).to(view.device) * 0.3 + 0.85) * each(
            -0.4, 0.35
        ).exp()
        axis = torch.linspace(-1.0, 1.0, self.size_px, device=view.device)
        slope = (
            1.0
            + each(-0.25, 0.25) * axis[None, None, None, :]
            + each(-0.25, 0.25) * axis[None, None, :, None]
        )
        view = (view * balance * slope).clamp(1e-4, 1.0) ** each(-0.3, 0.3).exp()
        grey = view.mean(dim=1, keepdim=True)
        view = grey + (view - grey) * each(0.55, 1.4)
        middle = view.mean(dim=(1, 2, 3), keepdim=True)
        return (middle + (view - middle) * each(0.7, 1.3)).clamp(0.0, 1.0)

    def _blur(self, view: Tensor) -> Tensor:
        """Blur about a third of the views: out of focus, or dragged along a random direction."""
        chosen = self._chance(len(view), 0.35, view).nonzero()[:, 0]
        if not len(chosen):
            return view
        reach = 4
        axis = torch.arange(-reach, reach + 1, device=view.device, dtype=view.dtype)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        angle = self._uniform(len(chosen), 0.0, math.pi, view)[:, None, None]
        long = self._uniform(len(chosen), 0.6, 2.5, view)[:, None, None]
        short = long * self._uniform(len(chosen), 0.15, 1.0, view)[:, None, None] + 0.2
        along, beside = angle.cos() * x + angle.sin() * y, angle.cos() * y - angle.sin() * x
        kernel = (-0.5 * ((along / long) ** 2 + (beside / short) ** 2)).exp()
        kernel = (kernel / kernel.sum(dim=(1, 2), keepdim=True)).repeat_interleave(3, dim=0)[:, None]
        flat = F.pad(view[chosen], (reach,) * 4, mode="replicate").flatten(0, 1)[None]
        blurred = F.conv2d(flat, kernel, groups=len(kernel)).view(len(chosen), 3, self.size_px, self.size_px)
        view = view.clone()
        view[chosen] = blurred
        return view

    def _plane(self, like: Tensor) -> tuple[Tensor, Tensor]:
        axis = torch.linspace(-1.0, 1.0, self.size_px, device=like.device)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        return x[None], y[None]

    def _glare(self, view: Tensor) -> Tensor:
        """Add a bright stretched spot to a quarter of the views."""
        count = len(view)
        x, y = self._plane(view)

        def each(low: float, high: float) -> Tensor:
            return self._uniform(count, low, high, view)[:, None, None]

        angle, left, top = each(0.0, math.pi), each(-0.9, 0.9), each(-0.9, 0.9)
        along = angle.cos() * (x - left) + angle.sin() * (y - top)
        beside = angle.cos() * (y - top) - angle.sin() * (x - left)
        spot = (-((along / each(0.1, 0.9)) ** 2) - (beside / each(0.05, 0.3)) ** 2).exp()
        strength = each(0.2, 0.9) * self._chance(count, 0.25, view)[:, None, None]
        return view + (1.0 - view) * (spot * strength)[:, None]

    def _hand(self, view: Tensor) -> Tensor:
        """Lay a fist and its arm, or a block of any colour, over the rim of some views."""
        count = len(view)
        x, y = self._plane(view)

        def each(low: float, high: float) -> Tensor:
            return self._uniform(count, low, high, view)[:, None, None]

        turn, far = each(0.0, 2.0 * math.pi), each(0.5, 1.1)
        centre_x, centre_y = turn.cos() * far, turn.sin() * far
        turn = turn + each(-0.9, 0.9)
        along = ((x - centre_x) * turn.cos() + (y - centre_y) * turn.sin()).clamp(min=0.0)
        to_arm = ((x - centre_x - along * turn.cos()) ** 2 + (y - centre_y - along * turn.sin()) ** 2).sqrt()
        mask = ((each(0.15, 0.5) - to_arm) * 12.0).clamp(0.0, 1.0)
        mask = (mask * self._chance(count, 0.45, view)[:, None, None])[:, None]
        pick = torch.randint(len(SKIN_TONES), (count,), generator=self.generator)
        skin = torch.tensor(SKIN_TONES, dtype=view.dtype)[pick].to(view.device) / 255.0
        anything = torch.rand(count, 3, generator=self.generator).to(view.device)
        colour = torch.where(self._chance(count, 0.6, view)[:, None], skin, anything)[:, :, None, None]
        return view * (1.0 - mask) + colour * each(0.7, 1.1)[:, None].clamp(max=1.0) * mask


def patch(views: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Lay a piece of the view before on some of the views, at its own place.

    Parameters
    ----------
    views : float (n, 3, side, side)
    share : of the views that get a piece, 0..1; a piece covers 6% to 40% of a view

    Returns
    -------
    the views, and float (n,), how much of each is still its own
    """
    count, _, height, width = views.shape

    def each(low: float, high: float) -> Tensor:
        return (torch.rand(count, generator=generator) * (high - low) + low).to(views.device)[:, None, None]

    half_height, half_width = each(0.25, 0.63), each(0.25, 0.63)
    top, left = each(-1.0, 1.0) * (1.0 - half_height), each(-1.0, 1.0) * (1.0 - half_width)
    y = torch.linspace(-1.0, 1.0, height, device=views.device)[None, :, None]
    x = torch.linspace(-1.0, 1.0, width, device=views.device)[None, None, :]
    covered = ((y - top).abs() < half_height) & ((x - left).abs() < half_width) & (each(0.0, 1.0) < share)
    own_share = 1.0 - covered.flatten(1).float().mean(dim=1)
    return torch.where(covered[:, None], views.roll(1, dims=0), views), own_share
