"""Before and after, side by side: which photos of an answer show the same work at two times."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.feedback.domain.facts import WorkPhoto

type Pair = tuple[WorkPhoto, WorkPhoto]


def _when(photo: WorkPhoto) -> tuple[datetime, UUID]:
    """By time; of the same second the one added first."""
    return photo.taken_at, photo.photo_id


def paired(photos: Sequence[WorkPhoto]) -> list[Pair]:
    """The first taken before with the first taken after, and so on, within one order; what has no partner is in no pair.

    Orders stand as their photos first appear in the answer.
    """
    pairs: list[Pair] = []
    for order_id in dict.fromkeys(photo.order_id for photo in photos):
        own = sorted((photo for photo in photos if photo.order_id == order_id), key=_when)
        before = [photo for photo in own if photo.kind == "before"]
        after = [photo for photo in own if photo.kind == "after"]
        pairs += zip(before, after, strict=False)
    return pairs
