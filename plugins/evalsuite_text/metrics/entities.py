"""Entities in a sequence of labels, as the CoNLL shared tasks read them."""

from __future__ import annotations

from collections.abc import Sequence

from evalsuite import DataError

Entity = tuple[str, int, int]

# Which prefixes each way of writing entities knows. The tasks' rule reads all of them alike.
SCHEMES = {
    "bio": frozenset("BIO"),
    "iob1": frozenset("BIO"),
    "bioes": frozenset("BIOES"),
    "bilou": frozenset("BILOU"),
}
_STARTS, _ENDS = frozenset("BSU"), frozenset("ESLU")


def entities_of(labels: Sequence[str], scheme: str = "bio") -> list[Entity]:
    """The entities of a sentence: type, first word, and the word after the last.

    An entity begins at B, S or U, at any other label whose type differs from the one before, and
    at whatever follows O or a label that ends one (E, S, L, U); so an I after O begins an entity.
    It ends before the next beginning or O, and after E, S, L or U.
    Reference: Tjong Kim Sang and De Meulder 2003, CoNLL (the tasks' own evaluation).

    Raises:
        DataError: A label is not written by the scheme.
    """
    found: list[Entity] = []
    begun: int | None = None
    kind = ""
    for position, label in enumerate((*labels, "O")):
        prefix, name = split_label(label, scheme)
        continues = begun is not None and prefix not in _STARTS and prefix != "O" and name == kind
        if begun is not None and not continues:
            found.append((kind, begun, position))
            begun = None
        if prefix != "O" and begun is None:
            begun, kind = position, name
        if begun is not None and prefix in _ENDS:
            found.append((kind, begun, position + 1))
            begun = None
    return found


def split_label(label: str, scheme: str = "bio") -> tuple[str, str]:
    """A label's prefix and type: ``B-PER`` to B and PER, ``O`` to O and nothing.

    Raises:
        DataError: It does not have that form, or the prefix is not the scheme's.
    """
    prefix, _, name = label.partition("-")
    if label == "O":
        return "O", ""
    if prefix not in SCHEMES[scheme] - {"O"}:
        legal = ", ".join(sorted(SCHEMES[scheme] - {"O"}))
        raise DataError(
            f"The label {label!r} is not written in the scheme {scheme!r}, whose labels are O and "
            f"{legal} followed by a hyphen and a type, e.g. B-PER. Choose another scheme, or map "
            "the label."
        )
    return prefix, name
