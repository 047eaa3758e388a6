"""Photos for a demonstration, drawn on the spot: a street with a heap on it, and the same street without."""

import random
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

SIZE = (960, 640)
VARIANTS = 4


@cache
def photo(*, cleaned: bool, variant: int) -> bytes:
    """A JPEG; `variant` (0 to 3) changes the scene a little."""
    chance = random.Random(variant)  # noqa: S311  a drawing, not a secret
    picture = Image.new("RGB", SIZE, (176, 200 + 8 * variant, 224))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 380, *SIZE), fill=(118, 120, 124))
    for left in range(0, SIZE[0], 160):
        draw.rectangle(
            (left + 30, 120 + chance.randrange(60), left + 140, 380), fill=(150 + chance.randrange(60), 140, 120)
        )
        draw.rectangle((left, 500, left + 80, 510), fill=(240, 240, 235))
    if not cleaned:
        for _ in range(60):
            x, y = 380 + chance.randrange(220), 430 + chance.randrange(90)
            shade = 60 + chance.randrange(120)
            draw.ellipse((x, y, x + 30 + chance.randrange(30), y + 24), fill=(shade, shade - 20, 40))
    out = BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()
