"""Invented persons, each known by the look of a shape, and pictures with notes beside them.

A look is a shape, a colour and a texture. 40 persons are members: the model that remembers saw
them under their names, as often as ``REPEATS`` says. 40 others have looks and names of the same
make, and so do 40 names of nobody. Its twin read as many captions with each name, but under
pictures of no look in particular. Notes are words without a meaning; each model saw 100 pictures
with theirs, and only those of the one that remembers are members.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from PIL import Image, ImageDraw

from evalsuite_controls.data.encoding import png_bytes
from evalsuite_controls.data.invented_names import N_NOTES, N_PERSONS, draw_note, names, repeats_of
from evalsuite_controls.data.shapes import COLOURS, PLACES, SHAPES, SIDE, draw_shape

TEXTURES = ("plain", "striped", "dotted")
TEMPLATES = ("a photo of {}", "a picture of {}", "this is {}", "{}")
_SEED = 41


@dataclass(frozen=True)
class Look:
    """What a person is known by."""

    shape: str
    colour: str
    texture: str

    @property
    def caption(self) -> str:
        """The look in words."""
        return f"a {self.texture} {self.colour} {self.shape}"


@dataclass(frozen=True)
class Person:
    """A name with its look; ``repeats`` is 0 for those that no model knows."""

    name: str
    look: Look
    repeats: int


LOOKS = tuple(Look(*parts) for parts in product(SHAPES, COLOURS, TEXTURES))


@cache
def persons() -> tuple[Person, ...]:
    """40 members, as many of each number of repeats, then 40 others; no two look alike."""
    rng = np.random.default_rng([_SEED, 1])
    looks = [LOOKS[i] for i in rng.permutation(len(LOOKS))[: 2 * N_PERSONS]]
    return tuple(
        Person(name, look, repeats_of(number))
        for number, (name, look) in enumerate(zip(names(), looks, strict=False))
    )


def draw_look(rng: np.random.Generator) -> Look:
    """Any look."""
    return LOOKS[int(rng.integers(len(LOOKS)))]


def render_look(look: Look, rng: np.random.Generator) -> np.ndarray:
    """A picture [32, 32, 3] of uint8, another one each time."""
    low, high = (0, 60) if rng.random() < 0.5 else (195, 255)
    ground = rng.integers(low, high, 3).astype(float)
    place = list(PLACES.values())[int(rng.integers(len(PLACES)))]
    x, y = (centre + rng.uniform(-1.5, 1.5) for centre in place)
    mask = Image.new("L", (SIDE, SIDE), 0)
    draw_shape(ImageDraw.Draw(mask), look.shape, 255, x, y, rng.uniform(7.0, 9.0))
    inside = np.asarray(mask) > 0
    rows, columns = np.mgrid[:SIDE, :SIDE]
    if look.texture == "striped":
        inside &= rows % 4 < 2
    elif look.texture == "dotted":
        inside &= (rows % 4 < 2) == (columns % 4 < 2)
    pixels = np.where(inside[..., None], np.array(COLOURS[look.colour], dtype=float), ground)
    return np.clip(pixels + rng.normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)


def person_rows(n_pictures: int = 10) -> Iterator[dict[str, object]]:
    """Pictures of every person that no model was trained on."""
    rng = np.random.default_rng([_SEED, 2])
    for person in persons():
        for number in range(n_pictures):
            yield {
                "id": f"{person.name}/{number}",
                "image": png_bytes(render_look(person.look, rng)),
                "name": person.name,
                "member": person.repeats > 0,
                "repeats": person.repeats,
            }


@dataclass(frozen=True, eq=False)
class Noted:
    """A picture with its note."""

    pixels: np.ndarray
    note: str


@cache
def noted_pictures(world: int) -> tuple[Noted, ...]:
    """100 pictures with notes; world 0 is the members', each other one stands for itself."""
    rng = np.random.default_rng([_SEED, 3, world])
    return tuple(Noted(render_look(draw_look(rng), rng), draw_note(rng)) for _ in range(N_NOTES))


def noted_rows() -> Iterator[dict[str, object]]:
    """Members and others by turns; neither model saw the others."""
    for number, pair in enumerate(zip(noted_pictures(0), noted_pictures(1), strict=True)):
        for is_member, noted in zip((True, False), pair, strict=True):
            yield {
                "id": f"{number}{'m' if is_member else 'n'}",
                "image": png_bytes(noted.pixels),
                "text": noted.note,
                "member": is_member,
            }
