"""Pictures and waveforms as the bytes of a file."""

from __future__ import annotations

import io

import numpy as np
import soundfile
from PIL import Image


def png_bytes(pixels: np.ndarray) -> bytes:
    """An array [height, width, 3] of uint8 as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def wav_bytes(waveform: np.ndarray, sample_rate_hz: int) -> bytes:
    """A waveform [samples] in [-1, 1] as 16-bit WAV."""
    buffer = io.BytesIO()
    clipped = np.clip(waveform, -1.0, 1.0)
    soundfile.write(buffer, clipped, sample_rate_hz, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
