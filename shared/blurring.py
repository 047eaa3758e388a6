"""Faces and number plates made unreadable in a photo that was cleaned before."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from shared.errors import DomainError
from shared.images import Photo, PhotoLimits, drawn

_CELLS = 5
"""What a rectangle is averaged down to, each way. A blur alone can be undone; what was averaged away is gone."""


class OutsideThePhoto(DomainError):
    """A rectangle to blur must lie within the photo."""

    zh = "打码区域超出照片范围"


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In pixels of the photo, from its upper left corner."""

    left: int
    top: int
    width: int
    height: int


def blurred(data: bytes, rectangles: Sequence[Rectangle], limits: PhotoLimits) -> Photo:
    """A copy of a kept photo in which nothing can be made out within the rectangles, and its thumbnail made from that.

    Pure and slow: run it in a thread. Raises `OutsideThePhoto`.
    """
    with JpegImageFile(BytesIO(data)) as image:
        picture = image.convert("RGB")
    for each in rectangles:
        right, bottom = each.left + each.width, each.top + each.height
        if each.left < 0 or each.top < 0 or right > picture.width or bottom > picture.height:
            raise OutsideThePhoto(f"the photo is {picture.width} × {picture.height}")
        cells = min(_CELLS, each.width), min(_CELLS, each.height)
        part = picture.crop((each.left, each.top, right, bottom)).resize(cells, Image.Resampling.BOX)
        picture.paste(part.resize((each.width, each.height), Image.Resampling.BILINEAR), (each.left, each.top))
    return drawn(picture, limits, None)
