"""Codecs that libsndfile has not, by the ffmpeg program where it is installed."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal

import numpy as np
import soundfile

from evalsuite import DataError, MediaError, Sample
from evalsuite_robustness.sounds.codecs import Codec

TIMEOUT_S = 300


@dataclass(frozen=True)
class Encoder:
    """How ffmpeg writes one codec: encoder, file ending, sample rates, and what sets the bits."""

    name: str
    suffix: str
    rates: tuple[int, ...]
    bits_option: str = "-b:a"


ENCODERS: Mapping[str, Encoder] = {
    "aac": Encoder("aac", "m4a", (8000, 16_000, 24_000, 32_000, 44_100, 48_000)),
    "amr-nb": Encoder("libopencore_amrnb", "amr", (8000,)),
    "amr-wb": Encoder("libvo_amrwbenc", "amr", (16_000,)),
    "speex": Encoder("libspeex", "ogg", (8000, 16_000, 32_000)),
    "codec2": Encoder("libcodec2", "c2", (8000,), "-mode"),
}
CodecName = Literal["aac", "amr-nb", "amr-wb", "speex", "codec2"]


@dataclass(frozen=True)
class FfmpegCodec(Codec):
    """A codec of telephones and radios, written and read by ffmpeg.

    The up to 16 ms by which a voice codec delays what it codes stay.

    Args:
        codec: ``aac``, ``amr-nb``, ``amr-wb``, ``speex`` or ``codec2``.
        kbps: Bit rate in kbit/s. AMR and Speex take the nearest that they have; Codec 2 refuses
            others than 3.2, 2.4, 1.6, 1.4, 1.3 and 1.2, and its clips then fail with the reason.
    """

    codec: CodecName = "aac"
    kbps: float = 16

    name: ClassVar[str] = "audio/ffmpeg-codec"
    dial: ClassVar[str] = "kbps"
    sweep: ClassVar[tuple[float, ...]] = (64, 32, 16)
    harder: ClassVar[Any] = "lower"
    about: ClassVar[str] = "Artefacts of a codec that ffmpeg writes."

    @property
    def rates(self) -> tuple[int, ...]:  # type: ignore[override]
        """Those of the chosen codec."""
        return ENCODERS[self.codec].rates

    def check(self, samples: Sequence[Sample]) -> None:
        """Raise DataError where ffmpeg or its encoder is not there, or nothing can be changed."""
        encoder = ENCODERS[self.codec].name
        if shutil.which("ffmpeg") is None:
            raise DataError(
                f"The variant {self.name!r} needs the program ffmpeg, which is not on the PATH. "
                "Install it, or use audio/mp3, audio/opus, audio/vorbis, audio/gsm or "
                "audio/mu-law, which need nothing."
            )
        if encoder not in _told("-encoders"):
            there = [name for name, e in ENCODERS.items() if e.name in _told("-encoders")]
            raise DataError(
                f"This ffmpeg cannot write {self.codec}: it was built without the encoder "
                f"{encoder}. It can write: {', '.join(there)}."
            )
        super().check(samples)

    def library(self) -> str:
        """Ffmpeg's version."""
        return " ".join(_told("-version")[:3])

    def coded(self, waveform: Any, sample_rate_hz: int) -> Any:
        """Encode into a file and decode it; raises MediaError with ffmpeg's own words."""
        encoder = ENCODERS[self.codec]
        buffer = io.BytesIO()
        soundfile.write(buffer, waveform, sample_rate_hz, format="WAV", subtype="FLOAT")
        with TemporaryDirectory() as folder:
            file = str(Path(folder) / f"clip.{encoder.suffix}")
            rate = ("-ar", str(sample_rate_hz))
            bits = (encoder.bits_option, f"{round(1000 * self.kbps)}")
            _run("-i", "pipe:0", "-c:a", encoder.name, *bits, *rate, file, data=buffer.getvalue())
            raw = _run("-i", file, "-f", "f32le", "-ac", "1", *rate, "pipe:1")
        return np.frombuffer(raw, dtype="<f4")


@cache
def _told(option: str) -> tuple[str, ...]:
    """The words that ffmpeg says about itself."""
    program = shutil.which("ffmpeg")
    if program is None:
        return ()
    done = subprocess.run(
        [program, "-hide_banner", option], capture_output=True, text=True, timeout=60, check=False
    )
    return tuple(done.stdout.split())


def _run(*arguments: str, data: bytes | None = None) -> bytes:
    program = shutil.which("ffmpeg")
    if program is None:
        raise MediaError("ffmpeg is not installed")
    command = [program, "-hide_banner", "-loglevel", "error", "-threads", "1"]
    try:
        done = subprocess.run(
            [*command, *arguments], input=data or b"", capture_output=True, timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"ffmpeg took longer than {TIMEOUT_S} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise MediaError(f"ffmpeg refused: {said[-1] if said else done.returncode}")
    return done.stdout
