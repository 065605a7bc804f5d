"""Which image or clip a sample is about: the unit that intervals resample."""

from __future__ import annotations

from evalsuite.content import Audio, Image
from evalsuite.source import Sample


def medium_id(sample: Sample, name: str) -> str:
    """The content of the image or clip in a field, in short; 16 hexadecimal digits.

    The sample's own id where a variant took the image or clip away.
    """
    medium = sample[name]
    return medium.sha256[:16] if isinstance(medium, Image | Audio) else sample.id
