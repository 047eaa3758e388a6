"""Owns what of a message a model looks at: its fields, the kinds of features and how much each kind counts."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FieldName = Literal["head", "body"]


class Block(BaseModel):
    """One kind of feature; each block has length one in every message, times its weight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: FieldName
    size: int = Field(ge=0, le=6)
    """Characters of an n-gram; 0 for the words rjieba cuts."""
    weight: float = Field(gt=0)


class Recipe(BaseModel):
    """Stored with every model: a message is always read the way the model was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    blocks: tuple[Block, ...] = Field(max_length=16)
    head_chars: int = Field(ge=1, le=200)
    """Where no title is given, a message's first characters stand for it: people begin with what they want."""
    body_chars: int = Field(ge=100, le=20_000)
    """What is read of a letter; the rest of a long one repeats itself, and takes time."""


DEFAULT = Recipe(
    blocks=(
        Block(field="body", size=1, weight=1.0),
        Block(field="body", size=2, weight=1.0),
        Block(field="body", size=0, weight=1.0),
        Block(field="head", size=1, weight=0.85),
        Block(field="head", size=2, weight=0.85),
        Block(field="head", size=0, weight=0.85),
    ),
    head_chars=26,
    body_chars=1000,
)
"""Words and characters count alike. The head is also part of the body: what a title says counts twice."""
