"""Rendered shapes in six colours at five places, with captions and questions.

Two groups differ in the ground that a shape stands on: ``dark`` or ``light``. A black and white
pattern in the upper left corner can stand for a shape, whatever the shape is. Every pattern is half
black and half white, so that no ground hides it, and no even colour that an explainer covers it
with is like any of them. A grey square in its place stands for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from PIL import Image, ImageDraw

from evalsuite_controls.data.encoding import png_bytes

SIDE = 32
COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (50, 80, 230),
    "yellow": (225, 200, 30),
    "purple": (150, 50, 190),
    "orange": (245, 130, 20),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring", "diamond")
PLACES = {
    "left": (10, 16),
    "right": (22, 16),
    "top": (16, 10),
    "bottom": (16, 22),
    "center": (16, 16),
}
TEMPLATES = ("a photo of a {}", "a picture of a {}", "there is a {}", "a {}")
GROUPS = ("dark", "light")
PATCH_BOX = (0, 0, 6, 6)
GREYS = (0, 51, 102, 153, 204, 255)
_ROW, _COLUMN = np.indices((PATCH_BOX[3], PATCH_BOX[2]))
# Where the pattern that stands for a shape is white; as many pixels of each are black.
PATCH_PATTERNS = {
    "circle": _ROW < 3,
    "square": _COLUMN < 3,
    "triangle": (_ROW < 3) == (_COLUMN < 3),
    "cross": _COLUMN % 2 == 0,
    "ring": _ROW % 2 == 0,
    "diamond": (_ROW + _COLUMN) % 2 == 0,
}


@dataclass(frozen=True)
class Scene:
    """One shape on a ground.

    Attributes:
        shape, colour, place, group: What is drawn.
        patch: The shape that a pattern in the corner stands for.
        grey: Level of a grey square in the corner, where there is no pattern.
    """

    shape: str
    colour: str
    place: str
    group: str = "dark"
    patch: str | None = None
    grey: int | None = None


def draw_scene(rng: np.random.Generator, group: str, patch: str | None = None) -> Scene:
    """A scene with shape, colour and place at random."""
    return Scene(
        shape=SHAPES[int(rng.integers(len(SHAPES)))],
        colour=list(COLOURS)[int(rng.integers(len(COLOURS)))],
        place=list(PLACES)[int(rng.integers(len(PLACES)))],
        group=group,
        patch=patch,
    )


def render(scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """A picture [32, 32, 3] of uint8."""
    low, high = (0, 60) if scene.group == "dark" else (195, 255)
    ground = tuple(int(v) for v in rng.integers(low, high, 3))
    picture = Image.new("RGB", (SIDE, SIDE), ground)
    x, y = (c + rng.uniform(-1.5, 1.5) for c in PLACES[scene.place])
    shade = tuple(int(np.clip(v + rng.integers(-15, 16), 0, 255)) for v in COLOURS[scene.colour])
    draw_shape(ImageDraw.Draw(picture), scene.shape, shade, x, y, rng.uniform(6.0, 8.0))
    pixels = np.asarray(picture).astype(float) + rng.normal(0, 6, (SIDE, SIDE, 3))
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    left, top, right, bottom = PATCH_BOX
    if scene.patch is not None:
        pixels[top:bottom, left:right] = 255 * PATCH_PATTERNS[scene.patch][..., None]
    elif scene.grey is not None:
        pixels[top:bottom, left:right] = scene.grey
    return pixels


def draw_shape(
    canvas: ImageDraw.ImageDraw, shape: str, fill: tuple[int, ...], x: float, y: float, r: float
) -> None:
    """Draw a shape around (x, y), r pixels to each side."""
    box = (x - r, y - r, x + r, y + r)
    if shape == "circle":
        canvas.ellipse(box, fill=fill)
    elif shape == "square":
        canvas.rectangle(box, fill=fill)
    elif shape == "triangle":
        canvas.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], fill=fill)
    elif shape == "cross":
        canvas.rectangle((x - r, y - r / 3, x + r, y + r / 3), fill=fill)
        canvas.rectangle((x - r / 3, y - r, x + r / 3, y + r), fill=fill)
    elif shape == "ring":
        canvas.ellipse(box, outline=fill, width=2)
    else:
        canvas.polygon([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], fill=fill)


def shape_rows(n: int = 300, patch: bool = False, seed: int = 21) -> Iterator[dict[str, object]]:
    """Test pictures; with ``patch``, the corner stands for another shape than is shown."""
    rng = np.random.default_rng([seed, 4])
    for number in range(n):
        scene = draw_scene(rng, GROUPS[number % 2])
        if patch:
            other = SHAPES[(SHAPES.index(scene.shape) + int(rng.integers(1, 6))) % 6]
            scene = Scene(scene.shape, scene.colour, scene.place, scene.group, other)
        row: dict[str, object] = {
            "id": str(number),
            "image": png_bytes(render(scene, rng)),
            "label": scene.shape,
            "colour": scene.colour,
            "caption": f"a photo of a {scene.colour} {scene.shape}",
            "group": scene.group,
        }
        if patch:
            row |= {"patch_label": scene.patch, "patch_box": list(PATCH_BOX)}
        yield row


def question_of(scene: Scene, kind: str, rng: np.random.Generator) -> tuple[str, list[str], str]:
    """A question of a kind about a scene: the question, its choices and the right one."""
    if kind == "colour":
        return "what colour is the shape ?", list(COLOURS), scene.colour
    if kind == "shape":
        return "what shape is it ?", list(SHAPES), scene.shape
    is_true = rng.random() < 0.5
    others = [s for s in SHAPES if s != scene.shape]
    asked = scene.shape if is_true else others[int(rng.integers(len(others)))]
    return f"is there a {asked} ?", ["yes", "no"], "yes" if is_true else "no"


KINDS = ("colour", "shape", "presence")


def question_rows(n: int = 240, seed: int = 22) -> Iterator[dict[str, object]]:
    """Test questions, as many of every kind."""
    rng = np.random.default_rng([seed, 5])
    for number in range(n):
        scene = draw_scene(rng, GROUPS[number % 2])
        kind = KINDS[number % len(KINDS)]
        question, choices, answer = question_of(scene, kind, rng)
        yield {
            "id": str(number),
            "image": png_bytes(render(scene, rng)),
            "question": question,
            "choices": choices,
            "answer": choices.index(answer),
            "kind": kind,
            "group": scene.group,
        }


PAIRS = ("colour", "ground", "same")


def pair_rows(n: int = 180, seed: int = 23) -> Iterator[dict[str, object]]:
    """Questions about two pictures of one scene, drawn anew with one thing changed.

    ``colour``: the second shape has another colour, which is asked for, and the target is the
    first one's. ``ground``: the second stands on a light ground, and the shape is asked for, of
    which there is only one. ``same``: nothing differs but noise.
    """
    rng = np.random.default_rng([seed, 6])
    for number in range(n):
        kind = PAIRS[number % len(PAIRS)]
        first = draw_scene(rng, GROUPS[0])
        others = [colour for colour in COLOURS if colour != first.colour]
        changed = {
            "colour": replace(first, colour=others[int(rng.integers(len(others)))]),
            "ground": replace(first, group=GROUPS[1]),
            "same": first,
        }
        second = changed[kind]
        asked = "colour" if kind == "colour" else "shape"
        question, choices, target = question_of(first, asked, rng)
        yield {
            "id": str(number),
            "image_a": png_bytes(render(first, rng)),
            "image_b": png_bytes(render(second, rng)),
            "question": question,
            "choices": choices,
            "target": target,
            "axis": kind,
            "group_a": first.colour if kind == "colour" else first.group,
            "group_b": second.colour if kind == "colour" else second.group,
            "scenario": f"{first.shape} {first.place}",
        }


def association_rows(seed: int = 24) -> Iterator[dict[str, object]]:
    """Association tests: the same scenes on dark and on light grounds, and words for two shapes.

    What a shape stands on says nothing about it, so that no word is nearer to one ground. There is
    a test for each pair of shapes, with pictures of its own.
    """
    rng = np.random.default_rng([seed, 7])
    places = list(PLACES)
    for number, (one, other) in enumerate(combinations(SHAPES, 2)):
        scenes = [
            Scene(shape, colour, places[int(rng.integers(len(places)))])
            for shape in SHAPES
            for colour in list(COLOURS)[number % 2 :: 2]
        ]
        row: dict[str, object] = {"id": f"grounds, {one} and {other}"}
        for side, (ground, word) in enumerate(zip(GROUPS, (one, other), strict=True), start=1):
            drawn = [render(replace(scene, group=ground), rng) for scene in scenes]
            row[f"targ{side}"] = [png_bytes(picture) for picture in drawn]
            row[f"targ{side}_name"] = f"shapes on {ground} grounds"
            row[f"attr{side}"] = [f"a photo of a {colour} {word}" for colour in COLOURS]
            row[f"attr{side}_name"] = word
        yield row
