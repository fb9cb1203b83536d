"""Local features of pictures, and how far the artwork of two agrees: by keypoints, then by patches."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import FloatArray, Image, IntArray

SIDE_PX = 192
"""Pictures are scaled to this on the longer side. Of 97 photos of 31 cartons, each registered by five photos,
inliers alone identified 49 at 160 px, 57 at this size and 55 at 256 px, which takes twice the time."""

KEYPOINTS_MAX = 250
"""Bounds the time and memory of every comparison."""

RATIO = 0.8
"""Largest ratio of the distances of the nearest and second nearest match (D. Lowe, 2004, figure 11)."""

INLIERS_MIN = 6
"""Fewer consistent matches than this are chance; four always fit a homography."""

TOLERANCE_PX = 5.0
DESCRIPTOR_SCALE = 512.0
_LOOSE = 0.15
_SCALE_LIMITS = (0.2, 5.0)

GREY_SIDE_PX = 96
PATCH_PX = 9
PATCH_AGREES = 0.6
"""Correlation of grey values from which a patch shows the same artwork."""

_FLAT = 60.0
"""Variance below which a patch holds no artwork."""

_NOISE = 20.0
_REACH = 1.6
"""Factor by which the hull of the inliers is enlarged to compare patches: look-alikes agree on the brand and
differ around it."""


@dataclass(frozen=True, eq=False)
class Features:
    """The local features of a picture, about 43 kB.

    Attributes
    ----------
    points : float32 (n, 4), x and y in pixels of the scaled picture, size in pixels, direction in radians
    descriptors : uint8 (n, 128), RootSIFT times 512
    grey : uint8, the whole picture, ``GREY_SIDE_PX`` on the longer side
    size : width and height of the scaled picture in pixels
    """

    points: FloatArray
    descriptors: NDArray[np.uint8]
    grey: NDArray[np.uint8]
    size: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.points.nbytes + self.descriptors.nbytes + self.grey.nbytes


def features_of(image: Image) -> Features:
    """Extract the local features of a picture.

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB or (h, w) grey, of any size

    Returns
    -------
    Features
        Without points for pictures that are plain or too small.
    """
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    height, width = colour.shape[:2]
    if min(height, width) < 8:
        empty = np.empty((0, 4), np.float32), np.empty((0, 128), np.uint8)
        return Features(*empty, np.zeros((8, 8), np.uint8), (width, height))
    scale = SIDE_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    detector = cv2.SIFT.create(nfeatures=KEYPOINTS_MAX)
    keypoints, found = detector.detectAndCompute(grey, None)
    # Equal responses may exceed the bound.
    keypoints = keypoints[:KEYPOINTS_MAX]
    points = np.array(
        [(*each.pt, each.size, np.deg2rad(each.angle)) for each in keypoints], np.float32
    ).reshape(-1, 4)
    sift = np.empty((0, 128), np.float32) if found is None else found[:KEYPOINTS_MAX]
    root = np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1e-6))
    descriptors = np.minimum(np.rint(root * DESCRIPTOR_SCALE), 255).astype(np.uint8)
    grey_scale = GREY_SIDE_PX / max(size)
    grey_size = max(8, round(size[0] * grey_scale)), max(8, round(size[1] * grey_scale))
    return Features(points, descriptors, cv2.resize(grey, grey_size, interpolation=cv2.INTER_AREA), size)


@dataclass(frozen=True, eq=False)
class Alignment:
    """The alignment of a photo with a picture of an item.

    Attributes
    ----------
    homography : float64 (3, 3), homography from pixels of the scaled photo to those of the scaled item
    hull : float32 (m, 2), convex hull of the inliers in pixels of the scaled item
    inliers : keypoints of the photo that match the item under the homography
    """

    homography: NDArray[np.float64]
    hull: FloatArray
    inliers: int


def align(item: Features, photo: Features) -> Alignment | None:
    """Align a photo with an item by a homography; None where they do not match.

    Each match that passes the ratio test proposes a similarity transform from the scale and direction of its
    keypoints (J. Philbin et al., Object retrieval with large vocabularies, 2007). Only the matches that agree
    with the most supported proposal go on, which is fast and leaves RANSAC few outliers. Where they are too
    few, the comparison ends.
    """
    item_at, photo_at = _matches(item.descriptors, photo.descriptors)
    if len(item_at) < INLIERS_MIN:
        return None
    agreed = _agreeing(item.points[item_at], photo.points[photo_at])
    item_at, photo_at = item_at[agreed], photo_at[agreed]
    if len(np.unique(photo_at)) < INLIERS_MIN:
        return None
    there = np.ascontiguousarray(item.points[item_at, :2])
    here = np.ascontiguousarray(photo.points[photo_at, :2])
    homography, kept = cv2.findHomography(here, there, cv2.RANSAC, TOLERANCE_PX, maxIters=200)
    if homography is None or not _plausible(homography, photo.size):
        return None
    inside = kept.ravel() > 0
    inliers = len(np.unique(photo_at[inside]))
    if inliers < INLIERS_MIN:
        return None
    return Alignment(homography, cv2.convexHull(there[inside])[:, 0], inliers)


def agreeing_share(item: Features, photo: Features, alignment: Alignment) -> float:
    """Return the share of an item's picture, 0..1, whose artwork agrees with an aligned photo.

    They are compared patch by patch around the inliers by normalized correlation, which ignores light and
    contrast. Look-alikes agree on the brand and differ in the rest, so the area that agrees separates them
    where the number of inliers does not.
    """
    height, width = item.grey.shape
    to_grey = np.array([width / item.size[0], height / item.size[1]])
    from_photo = photo.size[0] / photo.grey.shape[1], photo.size[1] / photo.grey.shape[0]
    warp = np.diag([*to_grey, 1.0]) @ alignment.homography @ np.diag([*from_photo, 1.0])
    warped = cv2.warpPerspective(photo.grey, warp, (width, height)).astype(np.float32)
    whole = np.ones(photo.grey.shape, np.float32)
    covered = cv2.warpPerspective(whole, warp, (width, height)) > 0.99
    seen = item.grey.astype(np.float32)

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.boxFilter(values, -1, (PATCH_PX, PATCH_PX)), np.float32)

    seen_mean, warped_mean = mean(seen), mean(warped)
    seen_variance = np.maximum(mean(seen * seen) - seen_mean**2, 0)
    warped_variance = np.maximum(mean(warped * warped) - warped_mean**2, 0)
    common = mean(seen * warped) - seen_mean * warped_mean
    correlation = common / np.sqrt((seen_variance + _NOISE) * (warped_variance + _NOISE))
    textured = covered & ((seen_variance > _FLAT) | (warped_variance > _FLAT))

    hull = alignment.hull * to_grey
    centre = hull.mean(axis=0)
    around = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(around, np.rint(centre + (hull - centre) * _REACH).astype(np.int32), 1)
    agrees = textured & (around > 0) & (correlation > PATCH_AGREES)
    return float(agrees.mean())


def _matches(item: NDArray[np.uint8], photo: NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
    """Return which keypoints of the item match which of the photo, by the ratio test."""
    if len(item) == 0 or len(photo) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    alike = (item.astype(np.float32) @ photo.astype(np.float32).T) / DESCRIPTOR_SCALE**2
    rows = np.arange(len(item))
    nearest = alike.argmax(axis=1)
    best = alike[rows, nearest]
    alike[rows, nearest] = -1.0
    # Of unit vectors the squared distance is 2 - 2 cos.
    passed = (1.0 - best) < RATIO**2 * (1.0 - alike.max(axis=1))
    return np.flatnonzero(passed), nearest[passed]


def _agreeing(item: FloatArray, photo: FloatArray) -> IntArray:
    """Return the matches that agree with the best supported one on position, scale and direction."""
    scale = np.clip(item[:, 2] / photo[:, 2], *_SCALE_LIMITS)
    turn = item[:, 3] - photo[:, 3]
    # A similarity on the plane of complex numbers: z -> there + zoom * (z - here)
    zoom = scale * np.exp(1j * turn)
    there, here = item[:, 0] + 1j * item[:, 1], photo[:, 0] + 1j * photo[:, 1]
    guess = there[:, None] + zoom[:, None] * (here[None] - here[:, None])
    away = np.abs(there[None] - there[:, None])
    agrees = np.abs(guess - there[None]) < TOLERANCE_PX + _LOOSE * away
    agrees &= np.abs(np.log(scale[:, None] / scale[None])) < 0.6
    agrees &= np.cos(turn[:, None] - turn[None]) > 0.8
    return np.flatnonzero(agrees[agrees.sum(axis=1).argmax()])


def _corners(size: tuple[int, int]) -> FloatArray:
    width, height = size
    return np.array([[(0, 0)], [(width, 0)], [(width, height)], [(0, height)]], np.float32)


def _plausible(homography: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a flat pack could be seen so: not mirrored, not across the horizon, not degenerate in scale."""
    corners = _corners(size)
    depth = corners[:, 0] @ homography[2, :2] + homography[2, 2]
    if depth.min() <= 0.1 * depth.max():
        return False
    seen = cv2.perspectiveTransform(corners, homography)
    ratio = cv2.contourArea(seen, oriented=True) / cv2.contourArea(corners, oriented=True)
    low, high = _SCALE_LIMITS
    return bool(cv2.isContourConvex(seen)) and low**2 < ratio < high**2
