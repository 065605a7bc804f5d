"""Parts: identity by content, decoding by the harness, clear failures."""

from __future__ import annotations

import numpy as np
import pytest

from evalsuite import Audio, Generate, Image, MediaError, Role, Text, Turn
from evalsuite.content import text_of, turns_of


def test_equal_bytes_are_equal_parts_wherever_they_lie(tmp_path):
    picture = Image.from_array(np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "a.png").write_bytes(picture.encoded())
    assert Image(path=tmp_path / "a.png") == picture


def test_an_image_and_a_clip_with_the_same_bytes_differ():
    assert Image(data=b"x") != Audio(data=b"x")


def test_a_float_clip_survives_unchanged_and_has_a_stable_digest():
    waveform = np.linspace(-1, 1, 100, dtype=np.float32)
    first, second = Audio.from_array(waveform, 8000), Audio.from_array(waveform, 8000)
    assert first == second
    np.testing.assert_array_equal(first.load()[0], waveform)


def test_stereo_is_mixed_down_and_resampled():
    import io

    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.tile([[0.5, 0.0]], (800, 1)), 8000, format="WAV")
    waveform, rate = Audio(data=buffer.getvalue()).load(16000)
    assert rate == 16000
    assert waveform.shape == (1600,)
    assert abs(float(waveform[400:1200].mean()) - 0.25) < 1e-3


@pytest.mark.parametrize("data", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_broken_pictures_are_media_errors(data):
    with pytest.raises(MediaError, match="not a readable image"):
        Image(data=data).load()


def test_a_truncated_picture_is_a_media_error():
    whole = Image.from_array(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    with pytest.raises(MediaError):
        Image(data=whole.encoded()[:2000]).load()


def test_a_clip_without_samples_is_a_media_error():
    with pytest.raises(MediaError, match="no audio sample"):
        Audio.from_array(np.zeros(0, np.float32), 8000).load()


def test_a_clip_with_nan_is_a_media_error():
    with pytest.raises(MediaError, match="not finite"):
        Audio.from_array(np.array([np.nan, 0], np.float32), 8000).load()


def test_a_missing_file_names_itself(tmp_path):
    with pytest.raises(MediaError, match="gone.png"):
        Image(path=tmp_path / "gone.png").load()


def test_media_are_decoded_once(monkeypatch):
    from evalsuite import content

    decoded = []
    whole = content.Audio._decode
    monkeypatch.setattr(content.Audio, "_decode", lambda self: decoded.append(1) or whole(self))
    clip = Audio.from_array(np.linspace(0, 0.123, 50, dtype=np.float32), 8000)
    clip.load(16000)
    Audio(data=clip.encoded()).load(16000)
    assert len(decoded) == 1


def test_the_cache_of_decoded_media_stays_within_its_bytes():
    from evalsuite.content import _DecodedCache

    cache = _DecodedCache(10)
    for number in range(5):
        cache.get((str(number),), lambda: ("x", 4))
    assert cache._size == 8


def test_roles_are_mark_up_that_the_plain_reading_leaves_out():
    content = (Role("user"), Text("Q: 1?\nA:"), Role("assistant"), Text(" one\n\n"))
    assert text_of(content) == "Q: 1?\nA: one\n\n"


def test_turns_are_trimmed_and_joined_and_empty_ones_left_out():
    content = (
        Role("system"),
        Text("Be brief.\n\n"),
        Role("user"),
        Text("Q: 1?"),
        Text("\nA:"),
        Role("assistant"),
        Text(" one\n\n"),
        Role("user"),
        Text("  "),
    )
    assert turns_of(content) == [
        Turn("system", (Text("Be brief."),)),
        Turn("user", (Text("Q: 1?\nA:"),)),
        Turn("assistant", (Text("one"),)),
    ]


def test_what_stands_before_any_role_is_said_by_the_user():
    assert turns_of((Text("Hello"),)) == [Turn("user", (Text("Hello"),))]


def test_a_role_changes_the_digest_of_a_request():
    assert Generate((Role("user"), Text("a"))).digest != Generate("a").digest
