"""What a request can carry: text, images and audio, as immutable parts with a digest.

Media are identified by the sha256 of their bytes, decoded lazily, and decoded by the harness
only: a model receives an RGB picture or a mono float32 waveform at the rate it asked for, so that
two models can never disagree because they read a file differently.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from evalsuite.decoded import DECODED
from evalsuite.errors import MediaError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image as PILImage

    from evalsuite.sound_file import SoundHeader

    Waveform: TypeAlias = npt.NDArray[np.float32]

# A wrongly declared header can claim terabytes; nothing an evaluation needs is larger than this.
# Pillow refuses by itself what claims more than 179 megapixels.
MAX_PIXELS = 150_000_000


def sha256_of(*chunks: bytes) -> str:
    """Hexadecimal sha256 of length-prefixed chunks, so that no two splits of bytes collide."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(len(chunk).to_bytes(8, "little"))
        digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class Text:
    """A piece of text."""

    text: str

    @cached_property
    def digest(self) -> str:
        """Sha256 of the UTF-8 bytes, tagged with the kind of part."""
        return sha256_of(b"text", self.text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class _Media:
    """Encoded bytes in memory or in a file; equality and hash are those of the content."""

    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a part that has neither bytes nor a file, or both."""
        if (self.path is None) == (self.data is None):
            raise ValueError(f"{type(self).__name__} needs exactly one of path= and data=")

    def encoded(self) -> bytes:
        """The bytes as stored; raises MediaError naming the file when it cannot be read."""
        if self.data is not None:
            return self.data
        assert self.path is not None
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise MediaError(f"{self.path} cannot be read: {error.strerror or error}") from error

    @cached_property
    def sha256(self) -> str:
        """Sha256 of the encoded bytes; identifies the media everywhere."""
        return hashlib.sha256(self.encoded()).hexdigest()

    @cached_property
    def digest(self) -> str:
        """Sha256 that also tells an image from a clip with the same bytes."""
        return sha256_of(type(self).__name__.encode(), self.sha256.encode())

    @property
    def origin(self) -> str:
        """Where the media came from, for messages."""
        return str(self.path) if self.path is not None else f"sha256:{self.sha256[:12]}"

    def __eq__(self, other: object) -> bool:
        """Two media are equal when their kind and bytes are."""
        return isinstance(other, _Media) and self.digest == other.digest

    def __hash__(self) -> int:
        """Hash of the content digest."""
        return hash(self.digest)


@dataclass(frozen=True, eq=False)
class Image(_Media):
    """A still picture in any format Pillow reads."""

    def load(self) -> PILImage.Image:
        """Decode to RGB with the EXIF orientation applied.

        Raises:
            MediaError: The bytes are not a picture, are truncated, or claim too many pixels.
        """
        picture: PILImage.Image = DECODED.get((self.digest,), self._decode_sized)
        return picture

    def _decode_sized(self) -> tuple[PILImage.Image, int]:
        picture = self._decode()
        return picture, 3 * picture.width * picture.height

    def _decode(self) -> PILImage.Image:
        from PIL import Image as pillow  # noqa: N813
        from PIL import ImageOps

        try:
            ours_is_below = warnings.catch_warnings(
                action="ignore", category=pillow.DecompressionBombWarning
            )
            with ours_is_below, pillow.open(io.BytesIO(self.encoded())) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise MediaError(
                        f"{self.origin} claims {picture.width} x {picture.height} pixels, "
                        f"more than the {MAX_PIXELS} allowed"
                    )
                return _rgb(ImageOps.exif_transpose(picture))
        except MediaError:
            raise
        except (OSError, ValueError, SyntaxError, EOFError, pillow.DecompressionBombError) as error:
            raise MediaError(f"{self.origin} is not a readable image: {error}") from error

    @classmethod
    def from_array(cls, pixels: npt.NDArray[np.uint8]) -> Image:
        """Wrap an array [height, width, 3] (or [height, width]) of uint8 as a lossless PNG."""
        from PIL import Image as pillow  # noqa: N813

        buffer = io.BytesIO()
        pillow.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
        return cls(data=buffer.getvalue())


def _rgb(picture: PILImage.Image) -> PILImage.Image:
    """As RGB; sixteen bits are scaled to eight, where Pillow would cut.

    Alpha is left out, as in the pipelines that models were trained with.
    """
    import numpy as np
    from PIL import Image as pillow  # noqa: N813

    if picture.mode.startswith("I"):
        levels = np.asarray(picture, dtype=np.int64).clip(0, 65_535) >> 8
        picture = pillow.fromarray(levels.astype(np.uint8))
    return picture.convert("RGB")


@dataclass(frozen=True, eq=False)
class Audio(_Media):
    """A sound clip in any format libsndfile reads (WAV, FLAC, OGG, MP3, ...)."""

    def load(self, sample_rate_hz: int | None = None) -> tuple[Waveform, int]:
        """Decode to mono float32, nominally in [-1, 1], at ``sample_rate_hz`` or the clip's own.

        Several channels become their mean; a clip at another rate is resampled by a windowed
        sinc to ceil(samples * rate / own rate) samples.

        Returns:
            The waveform, shape [samples], read-only, and its sample rate in Hz.

        Raises:
            MediaError: The bytes are not audio, are cut, hold no sample or one that is not finite,
                are over-long, or have channels that cancel each other when mixed down.
        """
        rate = sample_rate_hz or self.header.sample_rate_hz
        found: Waveform = DECODED.get((self.digest, str(rate)), lambda: self._load_sized(rate))
        return found, rate

    @cached_property
    def header(self) -> SoundHeader:
        """What the file says of itself, without decoding it; raises MediaError as load does."""
        from evalsuite.sound_file import header_of

        with self._stream() as stream:
            return header_of(stream, self.origin)

    def n_samples(self, sample_rate_hz: int | None = None) -> int:
        """How many samples ``load`` returns; by the header, and only without that by decoding."""
        from evalsuite.resampling import resampled_length

        own, n_frames = self.header.sample_rate_hz, self.header.n_frames
        if n_frames is None:
            return len(self.load(sample_rate_hz)[0])
        return resampled_length(n_frames, own, sample_rate_hz or own)

    @cached_property
    def sha256(self) -> str:
        """Sha256 of the encoded bytes; identifies the clip everywhere."""
        with self._stream() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

    def _stream(self) -> BinaryIO:
        """The encoded bytes, of which a large file has too many to hold."""
        if self.path is None:
            return io.BytesIO(self.encoded())
        try:
            return self.path.open("rb")
        except OSError as error:
            raise MediaError(f"{self.path} cannot be read: {error.strerror or error}") from error

    def _load_sized(self, sample_rate_hz: int) -> tuple[Waveform, int]:
        waveform = self._decode(sample_rate_hz)
        waveform.setflags(write=False)  # it is shared by everyone who asks for this clip
        return waveform, waveform.nbytes

    def _decode(self, sample_rate_hz: int) -> Waveform:
        from evalsuite.sound_file import waveform_of

        with self._stream() as stream:
            return waveform_of(stream, self.origin, sample_rate_hz)

    @classmethod
    def from_array(cls, waveform: Waveform, sample_rate_hz: int) -> Audio:
        """Wrap a mono waveform [samples] as a lossless 32-bit float WAV."""
        import numpy as np
        import soundfile

        buffer = io.BytesIO()
        soundfile.write(
            buffer, np.asarray(waveform, np.float32), sample_rate_hz, format="WAV", subtype="FLOAT"
        )
        return cls(data=_without_peak_chunk(buffer.getvalue()))


def _without_peak_chunk(wav: bytes) -> bytes:
    """Zero the time stamp that libsndfile writes into a float WAV: it would change the digest."""
    position = wav.find(b"PEAK", 0, 200)
    if position < 0:
        return wav
    stamp = position + 12  # chunk id (4), size (4), version (4), then a Unix time of 4 bytes
    return wav[:stamp] + b"\0\0\0\0" + wav[stamp + 4 :]


@dataclass(frozen=True)
class Role:
    """Who says what follows, up to the next role: a mark-up of the same text as turns of a chat.

    A model with a chat template renders the turns by it. Any other reads the texts joined, as if
    the marks were not there; so whoever writes a prompt puts the white space between turns into
    the texts. A prompt that ends in words of the assistant's is an answer that has begun: the model
    goes on with it.
    """

    name: Literal["system", "user", "assistant"]

    @cached_property
    def digest(self) -> str:
        """Sha256 of the name, tagged with the kind of part."""
        return sha256_of(b"role", self.name.encode())


@dataclass(frozen=True)
class Turn:
    """What one party of a chat says in one go."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Text | Image | Audio, ...]


Part: TypeAlias = Text | Image | Audio | Role
Content: TypeAlias = tuple[Part, ...]


def as_content(value: str | Part | Sequence[str | Part]) -> Content:
    """Turn a string, a part, or a sequence of them into a tuple of parts."""
    if isinstance(value, str):
        return (Text(value),)
    if isinstance(value, Text | Image | Audio | Role):
        return (value,)
    return tuple(Text(part) if isinstance(part, str) else part for part in value)


def text_of(content: Content) -> str:
    """The text parts of a content, joined by nothing."""
    return "".join(part.text for part in content if isinstance(part, Text))


def turns_of(content: Content) -> list[Turn]:
    """The turns of a content; what stands before any role is said by the user.

    White space around a turn's text belongs to the plain reading and is cut; turns that say
    nothing are left out.
    """
    turns: list[Turn] = []
    role: Literal["system", "user", "assistant"] = "user"
    parts: list[Text | Image | Audio] = []
    for part in (*content, Role("user")):
        if not isinstance(part, Role):
            parts.append(part)
            continue
        if said := _trimmed(parts):
            turns.append(Turn(role, said))
        role, parts = part.name, []
    return turns


def chat_of(content: Content, render: Callable[[list[Turn]], str]) -> str:
    """A content as a chat, its answer begun where the last turn is the assistant's own words.

    Args:
        content: The parts.
        render: Writes turns by a chat template, up to where an answer begins.
    """
    turns = turns_of(content)
    *asked, answer = turns or [Turn("user", ())]
    is_said = all(isinstance(part, Text) for part in answer.parts)
    if not asked or answer.role != "assistant" or not is_said:
        return render(turns)
    before, begun = render(asked), text_of(answer.parts)
    return f"{before}{begun}" if before[-1:].isspace() else f"{before} {begun}"


def _trimmed(parts: Sequence[Text | Image | Audio]) -> tuple[Text | Image | Audio, ...]:
    """Neighbouring texts as one, without white space at the ends of the whole."""
    joined: list[Text | Image | Audio] = []
    for part in parts:
        if joined and isinstance(part, Text) and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].text + part.text)
        else:
            joined.append(part)
    if joined and isinstance(joined[0], Text):
        joined[0] = Text(joined[0].text.lstrip())
    if joined and isinstance(joined[-1], Text):
        joined[-1] = Text(joined[-1].text.rstrip())
    return tuple(part for part in joined if part != Text(""))
