"""Which image a sample is about: the unit that intervals resample."""

from __future__ import annotations

from evalsuite import Image, Sample


def image_id(sample: Sample, name: str = "image") -> str:
    """The image's content in short; the sample's own id where its image was taken away."""
    image = sample[name]
    return image.sha256[:16] if isinstance(image, Image) else sample.id
