"""``evalsuite canaries``: make secrets to plant in training data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from evalsuite import UsageError
from evalsuite.cli.conventions import answer, echo, json_option, plain_table, print_json
from evalsuite.content import sha256_of
from evalsuite_privacy.memorisation.canaries import (
    ALPHABETS,
    DEFAULT_FORMAT,
    Canary,
    Media,
    Space,
    make_canaries,
    make_coins,
    planting,
)

_SUFFIXES = {
    "image": frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}),
    "audio": frozenset({".wav", ".flac", ".ogg", ".mp3", ".opus", ".m4a"}),
}


@click.group("canaries", short_help="Make secrets to plant in training data.")
def canaries() -> None:
    """Make secrets to plant in training data, so that a model can be asked for them later."""


@canaries.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    multiple=True,
    default=(DEFAULT_FORMAT,),
    show_default=True,
    help="A text with {secret} in it, and {name} before it; give more for several formats.",
)
@click.option(
    "--alphabet",
    default="digits",
    show_default=True,
    help=f"What secrets are made of: {', '.join(ALPHABETS)}, or the characters themselves.",
)
@click.option("--length", type=click.IntRange(1), default=6, show_default=True, help="Of a secret.")
@click.option("--separator", default=" ", help="Between its symbols; a space unless given.")
@click.option(
    "--number",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Canaries of each format and number of repeats.",
)
@click.option(
    "--repeats",
    default="1,4,16,64",
    show_default=True,
    help="How often to plant them, with commas; 0 for canaries that stay out.",
)
@click.option(
    "--references",
    type=click.IntRange(2),
    default=1000,
    show_default=True,
    help="Secrets of each format to compare with; log2 of it is the most that a rank can show.",
)
@click.option(
    "--audit",
    type=click.IntRange(0),
    default=0,
    help="Also make so many canaries that a coin plants once or not at all, to bound epsilon.",
)
@click.option(
    "--media",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of pictures or clips: canaries become their captions or transcripts.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of every draw.")
@json_option
def make(folder: Path, as_json: bool, media: Path | None, **settings: Any) -> None:
    """Write canaries into FOLDER, which must be new or empty.

    planting.txt (planting.jsonl with --media) holds the lines to mix into the training data, each
    as often as it is to be seen. canaries.jsonl holds canaries and references for
    privacy/canary-exposure, audit.jsonl the coins for privacy/epsilon-lower-bound, manifest.json
    how they were made. Keep all but the planting file away from training.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder for the canaries.")
    spaces = _spaces(settings["formats"], settings["alphabet"], settings)
    repeats = _repeats(settings["repeats"])
    seed = settings["seed"]
    found = make_canaries(
        spaces,
        repeats,
        number=settings["number"],
        references=settings["references"],
        seed=seed,
    )
    taken = {one.text for one in found}
    coins = make_coins(spaces[0], settings["audit"], taken, seed) if settings["audit"] else []
    dealt = _media(media, len(coins) + sum(one.is_canary for one in found))
    both = list(dealt.give([*coins, *found]))
    coins, found = both[: len(coins)], both[len(coins) :]
    files = _write(folder, coins, found, planting([*coins, *found], seed), bool(media))
    manifest = _manifest(spaces, repeats, settings, media, files)
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _tell(manifest, folder, as_json)


def _spaces(formats: Sequence[str], alphabet: str, settings: Mapping[str, Any]) -> list[Space]:
    if len(set(formats)) < len(formats):
        raise UsageError("--format: the same format is given twice.")
    symbols = ALPHABETS.get(alphabet, tuple(dict.fromkeys(alphabet)))
    return [Space(text, symbols, settings["length"], settings["separator"]) for text in formats]


def _repeats(text: str) -> list[int]:
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or found[0] < 0:
        raise UsageError(
            f"--repeats takes numbers of 0 or more with commas between, e.g. 1,4,16 (got {text!r})."
        )
    return found


def _media(folder: Path | None, n_canaries: int) -> Media:
    """The folder's pictures, or its clips, one for each canary at least."""
    if folder is None:
        return Media()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    by_medium = {
        medium: [path for path in paths if path.suffix.lower() in suffixes]
        for medium, suffixes in _SUFFIXES.items()
    }
    kinds = [medium for medium, some in by_medium.items() if some]
    if len(kinds) != 1:
        held = "both pictures and clips" if kinds else "neither pictures nor clips"
        raise UsageError(f"--media {folder} holds {held}; it must hold one of the two.")
    files = by_medium[kinds[0]]
    if len(files) < n_canaries:
        raise UsageError(
            f"--media {folder} holds {len(files)} files for {n_canaries} canaries; each needs one "
            "of its own. Lower --number, --repeats or --audit, or add files."
        )
    return Media(kinds[0], tuple(path.relative_to(folder).as_posix() for path in files))


def _write(
    folder: Path,
    coins: Sequence[Canary],
    found: Sequence[Canary],
    lines: Sequence[Canary],
    with_media: bool,
) -> dict[str, str]:
    """Write the files; returns the sha256 of each by name."""
    texts = {"canaries.jsonl": _json_lines([one.row for one in found])}
    if coins:
        texts["audit.jsonl"] = _json_lines([one.coin_row for one in coins])
    if with_media:
        texts["planting.jsonl"] = _json_lines([one.planted for one in lines])
    else:
        texts["planting.txt"] = "".join(f"{one.text}\n" for one in lines)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {name: sha256_of(text.encode()) for name, text in sorted(texts.items())}


def _json_lines(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _manifest(
    spaces: Sequence[Space],
    repeats: Sequence[int],
    settings: Mapping[str, Any],
    media: Path | None,
    files: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "seed": settings["seed"],
        "formats": [
            {"format": space.template, "secret_bits": round(space.bits, 3)} for space in spaces
        ],
        "alphabet": list(spaces[0].symbols),
        "length": spaces[0].length,
        "separator": spaces[0].separator,
        "repeats": list(repeats),
        "canaries_per_repeat": settings["number"],
        "references_per_format": settings["references"],
        "audit_canaries": settings["audit"],
        "media": media.name if media else None,
        "sha256": dict(files),
    }


def _tell(manifest: Mapping[str, Any], folder: Path, as_json: bool) -> None:
    if as_json:
        print_json({"folder": str(folder), **manifest})
        return
    table = plain_table("file", "what for")
    told = {
        "planting.txt": "mix these lines into the training data",
        "planting.jsonl": "mix these captions into the training data",
        "canaries.jsonl": "privacy/canary-exposure and privacy/extraction",
        "audit.jsonl": "privacy/epsilon-lower-bound",
    }
    for name in manifest["sha256"]:
        table.add_row(name, told[name])
    answer().print(table)
    echo(f"{folder}/manifest.json says how they were made.")
