"""Looks closely at an item: print and colours of a product's photos are laid on it, point by point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from recognition.vision.encoders.protocol import Image
from recognition.vision.layout import FloatArray
from recognition.vision.matching import Candidate, Decision, Thresholds

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SIDE_PX = 192
"""Pictures are scaled to this on the longer side. Of 97 photos among 31 cartons known by five photos each,
inliers alone named 49 right at 160 px, 57 at this and 55 at 256, which takes twice the time."""

KEYPOINTS_MAX = 250
"""Bounds time and memory of every comparison."""

RATIO = 0.8
"""A match counts if it is this much nearer than the second (D. Lowe, 2004, figure 11)."""

INLIERS_MIN = 6
"""Fewer consistent matches than this are chance; a homography alone takes four."""

TOLERANCE_PX = 5.0
DESCRIPTOR_SCALE = 512.0
COLOUR_SIDE_PX = 48
_LOOSE = 0.15
_SCALE_LIMITS = (0.2, 5.0)

PHOTOS_MAX = 8
"""Photos looked at for each product; 0.4 ms each."""

REACH = 0.2
"""How far below its threshold a score may lie; a hundred inliers make up for 0.17."""

NO_EVIDENCE = -4.0
"""Of a product none of whose photos lies on the item."""

EVIDENCE_MIN = 0.0
"""What an accepted product has to show by itself, however high its score."""

SCORE_WEIGHT = 20.0
"""Log-odds that a difference of 1 between two scores of the embedding is worth."""

JOINT_MIN = -1.0
LEAD_MIN = 1.0
"""Sum of evidence and weighted score above the threshold, and its lead over the next product's, that suffice.

Chosen with photos of 31 cartons of the Grocery Store set, five of each registered. On 186 other photos of its
training part cartons accepted rightly rose from 67% to 85%, none wrongly; on its 100 validation photos, with
three choices of the registered ones, from 14% to 22%, and wrongly from 0 to 1 of 300. With the carton's own
photos taken away, so that only its look-alikes are registered, 5 of the 186 were accepted beyond the 6 that
the embedding alone accepts, and none of the 300.
"""


@dataclass(frozen=True, eq=False)
class Features:
    """What of a picture is compared; about 42 kB.

    Attributes
    ----------
    points : float32 (n, 4), x and y in pixels of the scaled picture, size in pixels, direction in radians
    descriptors : uint8 (n, 128), RootSIFT times 512
    colours : uint8 (48, 48, 3), Lab, the whole picture
    size : width and height of the scaled picture in pixels
    """

    points: FloatArray
    descriptors: NDArray[np.uint8]
    colours: Image
    size: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.points.nbytes + self.descriptors.nbytes + self.colours.nbytes


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well one photo lies on the item.

    Attributes
    ----------
    inliers : keypoints of the photo found on the item, consistently placed
    share : those of the item's keypoints under the photo that were found again, 0..1
    spread : share of the item's area the found ones span, 0..1
    colour : mean distance in Lab between item and photo laid on it, 0 for none; light taken out
    """

    inliers: int = 0
    share: float = 0.0
    spread: float = 0.0
    colour: float = 100.0


NOTHING = Agreement()


def features_of(image: Image) -> Features:
    """Find keypoints of a picture.

    Parameters
    ----------
    image : uint8 (h, w, 3) RGB or (h, w) grey, of any size

    Returns
    -------
    Features
        Without points for pictures that are plain, or too small to hold any.
    """
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    height, width = colour.shape[:2]
    if min(height, width) < 8:
        empty = np.empty((0, 4), np.float32), np.empty((0, 128), np.uint8)
        return Features(*empty, np.zeros((COLOUR_SIDE_PX, COLOUR_SIDE_PX, 3), np.uint8), (width, height))
    scale = SIDE_PX / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(colour, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    detector = cv2.SIFT.create(nfeatures=KEYPOINTS_MAX)
    keypoints, found = detector.detectAndCompute(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), None)
    # Equal responses may exceed the bound.
    keypoints = keypoints[:KEYPOINTS_MAX]
    points = np.array(
        [(*each.pt, each.size, np.deg2rad(each.angle)) for each in keypoints], np.float32
    ).reshape(-1, 4)
    sift = np.empty((0, 128), np.float32) if found is None else found[:KEYPOINTS_MAX]
    root = np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1e-6))
    descriptors = np.minimum(np.rint(root * DESCRIPTOR_SCALE), 255).astype(np.uint8)
    thumbnail = cv2.resize(small, (COLOUR_SIDE_PX, COLOUR_SIDE_PX), interpolation=cv2.INTER_AREA)
    return Features(points, descriptors, cv2.cvtColor(thumbnail, cv2.COLOR_RGB2LAB), size)


def compare(item: Features, photo: Features) -> Agreement:
    """Lay a photo on an item by a homography and measure how well the two agree.

    Matches that pass the ratio test vote with the scale and direction of their keypoints for where the photo
    lies (one match is enough for a guess: J. Philbin et al., Object retrieval with large vocabularies, 2007),
    which is quick and leaves RANSAC few outliers. Too few votes end the comparison there.
    """
    item_at, photo_at = _matches(item.descriptors, photo.descriptors)
    if len(item_at) < INLIERS_MIN:
        return NOTHING
    agreed = _agreeing(item.points[item_at], photo.points[photo_at])
    item_at, photo_at = item_at[agreed], photo_at[agreed]
    if len(np.unique(photo_at)) < INLIERS_MIN:
        return NOTHING
    there = np.ascontiguousarray(item.points[item_at, :2])
    here = np.ascontiguousarray(photo.points[photo_at, :2])
    lay, kept = cv2.findHomography(here, there, cv2.RANSAC, TOLERANCE_PX, maxIters=200)
    if lay is None or not _plausible(lay, photo.size):
        return NOTHING
    inside = kept.ravel() > 0
    inliers = len(np.unique(photo_at[inside]))
    if inliers < INLIERS_MIN:
        return NOTHING
    covered = _under(lay, photo.size, item)
    hull = cv2.convexHull(there[inside])
    return Agreement(
        inliers=inliers,
        share=min(1.0, inliers / max(covered, inliers)),
        spread=min(1.0, cv2.contourArea(hull) / (item.size[0] * item.size[1])),
        colour=_colour_distance(lay, item, photo),
    )


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
    """Return the matches that agree with the match most others agree with on place, scale and direction."""
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


def _plausible(lay: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a flat print could be seen so: not mirrored, not torn at the horizon, not crushed."""
    corners = _corners(size)
    depth = corners[:, 0] @ lay[2, :2] + lay[2, 2]
    if depth.min() <= 0.1 * depth.max():
        return False
    seen = cv2.perspectiveTransform(corners, lay)
    ratio = cv2.contourArea(seen, oriented=True) / cv2.contourArea(corners, oriented=True)
    low, high = _SCALE_LIMITS
    return bool(cv2.isContourConvex(seen)) and low**2 < ratio < high**2


def _under(lay: NDArray[np.float64], size: tuple[int, int], item: Features) -> int:
    """Count the keypoints of the item that lie under the photo."""
    back = cv2.perspectiveTransform(item.points[:, None, :2], np.linalg.inv(lay))[:, 0]
    return int(((back >= 0) & (back <= np.array(size))).all(axis=1).sum())


def _colour_distance(lay: NDArray[np.float64], item: Features, photo: Features) -> float:
    """Mean distance of colours where the photo lies on the item, lightness halved, a common cast removed."""
    to_item = np.diag([COLOUR_SIDE_PX / item.size[0], COLOUR_SIDE_PX / item.size[1], 1.0])
    from_photo = np.diag([photo.size[0] / COLOUR_SIDE_PX, photo.size[1] / COLOUR_SIDE_PX, 1.0])
    warp = to_item @ lay @ from_photo
    side = (COLOUR_SIDE_PX, COLOUR_SIDE_PX)
    laid = cv2.warpPerspective(photo.colours, warp, side).astype(np.float32)
    where = cv2.warpPerspective(np.ones(side, np.uint8), warp, side) > 0
    if where.sum() < 0.05 * where.size:
        return NOTHING.colour
    difference = laid[where] - item.colours[where].astype(np.float32)
    difference -= np.clip(np.median(difference, axis=0), -12, 12)
    difference[:, 0] -= np.clip(np.median(difference[:, 0]), -60, 60)
    difference[:, 0] *= 0.5
    return float(np.linalg.norm(difference, axis=1).mean())


def evidence_of(agreement: Agreement) -> float:
    """Turn an agreement into the log-odds that item and photo are of one product.

    A logistic regression over the photo pairs that ``JOINT_MIN`` was chosen with, where pairs of one product
    had 40 inliers in the median and pairs of two, most often one brand, 15 of those that had any. The weight
    of the colours is halved: shops are lit differently, and all of those photos were taken in a few.
    """
    if agreement.inliers == 0:
        return NO_EVIDENCE
    return 1.4 * float(np.log1p(agreement.inliers)) - 0.08 * agreement.colour - 2.0


@dataclass(frozen=True)
class Verification:
    """What a closer look at one item found.

    Attributes
    ----------
    evidence : for each product in question the log-odds of its best photo
    agreements : for each product how that photo lies on the item
    """

    evidence: Mapping[str, float]
    agreements: Mapping[str, Agreement]


def verify(item: Features, photos: Mapping[str, Sequence[Features]]) -> Verification:
    """Compare an item with the photos of a few products.

    Parameters
    ----------
    item : of the item's best picture
    photos : for each product its photos; no more than ``PHOTOS_MAX`` of each are looked at
    """
    agreements = {
        product_id: max(
            (compare(item, photo) for photo in of_product[:PHOTOS_MAX]), key=evidence_of, default=NOTHING
        )
        for product_id, of_product in photos.items()
    }
    evidence = {product_id: evidence_of(agreement) for product_id, agreement in agreements.items()}
    return Verification(evidence, agreements)


def reachable(suspects: Sequence[Candidate], thresholds: Thresholds) -> tuple[Candidate, ...]:
    """Return the products whose score is not so low that no print could make up for it."""
    return tuple(each for each in suspects if each.score >= thresholds.of(each.product_id) - REACH)


def settle(
    suspects: Sequence[Candidate], verification: Verification, thresholds: Thresholds
) -> Decision | None:
    """Accept one of the products in question if print and embedding together leave little doubt.

    Parameters
    ----------
    suspects : products with the scores of their embeddings
    verification : of those products
    thresholds : what the embedding alone would need

    Returns
    -------
    Decision or None
        Accepted, with score and margin of the embedding (the margin is negative where another product had
        the higher score), or None where the question stays.
    """

    def joint(suspect: Candidate) -> float:
        above = suspect.score - thresholds.of(suspect.product_id)
        return verification.evidence.get(suspect.product_id, NO_EVIDENCE) + SCORE_WEIGHT * above

    ranked = sorted(suspects, key=lambda suspect: (-joint(suspect), suspect.product_id))
    if not ranked or verification.evidence.get(ranked[0].product_id, NO_EVIDENCE) < EVIDENCE_MIN:
        return None
    best, others = ranked[0], ranked[1:]
    if joint(best) < JOINT_MIN or (others and joint(best) - joint(others[0]) < LEAD_MIN):
        return None
    margin = best.score - max((other.score for other in others), default=0.0)
    return Decision("accepted", best.score, margin, tuple(ranked))
