"""Parts: identity by content, decoding by the harness, clear failures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as pillow  # noqa: N813

from evalsuite import Audio, Generate, Image, MediaError, Role, Text, Turn
from evalsuite.content import chat_of, text_of, turns_of


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
    monkeypatch.setattr(
        content.Audio, "_decode", lambda self, rate: decoded.append(1) or whole(self, rate)
    )
    clip = Audio.from_array(np.linspace(0, 0.123, 50, dtype=np.float32), 8000)
    clip.load(16000)
    Audio(data=clip.encoded()).load(16000)
    assert len(decoded) == 1


def test_the_cache_of_decoded_media_stays_within_its_bytes():
    from evalsuite.decoded import DecodedCache

    cache = DecodedCache(10)
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


def rendered(turns):
    return "".join(f"[{turn.role}] {text_of(turn.parts)} " for turn in turns) + "[assistant]"


def test_an_answer_that_has_begun_follows_where_answers_begin():
    asked = (Text("Q: 1?\nA:"), Role("assistant"))
    assert chat_of(asked, rendered) == "[user] Q: 1?\nA: [assistant]"
    assert chat_of((*asked, Text(" one\n")), rendered) == "[user] Q: 1?\nA: [assistant] one"
    on_its_line = chat_of((*asked, Text(" one")), lambda turns: rendered(turns) + "\n")
    assert on_its_line.endswith("[assistant]\none")


def test_a_lone_turn_of_the_assistant_and_one_with_a_picture_are_turns():
    alone = (Role("assistant"), Text("one"))
    assert chat_of(alone, rendered) == "[assistant] one [assistant]"
    shown = (Text("draw"), Role("assistant"), Image(data=b"x"))
    assert chat_of(shown, rendered) == "[user] draw [assistant]  [assistant]"


def test_what_stands_before_any_role_is_said_by_the_user():
    assert turns_of((Text("Hello"),)) == [Turn("user", (Text("Hello"),))]


def test_a_role_changes_the_digest_of_a_request():
    assert Generate((Role("user"), Text("a"))).digest != Generate("a").digest


# ------------------------------------------------------------------------------------------------
# Pictures of every make
# ------------------------------------------------------------------------------------------------


def encoded(picture, **options) -> Image:
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return Image(data=buffer.getvalue())


RED = np.zeros((4, 6, 3), np.uint8) + np.array([200, 0, 0], np.uint8)


def test_print_and_palette_pictures_become_rgb():
    red = pillow.fromarray(RED)
    for picture, options in (
        (red.convert("CMYK"), {"format": "JPEG", "quality": 100}),
        (red.convert("P"), {"format": "PNG"}),
        (red.convert("P"), {"format": "GIF"}),
    ):
        loaded = encoded(picture, **options).load()
        assert (loaded.mode, loaded.size) == ("RGB", (6, 4))
        assert np.abs(np.asarray(loaded).astype(int) - RED).max() < 12


def test_a_picture_is_turned_as_its_camera_says():
    """Orientation 6: the stored rows are the columns of the scene, right side first."""
    scene = np.zeros((2, 3, 3), np.uint8)
    scene[0, 0] = 255
    exif = pillow.Exif()
    exif[0x0112] = 6
    loaded = encoded(pillow.fromarray(scene), format="PNG", exif=exif).load()
    assert loaded.size == (2, 3)
    assert np.asarray(loaded)[0, 1].tolist() == [255, 255, 255]  # top left came to the top right


def test_sixteen_bits_are_scaled_and_not_cut():
    """32,768 of 65,535 is mid grey: 128."""
    half = pillow.fromarray(np.full((2, 2), 32_768, np.uint16))
    assert (np.asarray(encoded(half, format="PNG").load()) == 128).all()


def test_transparency_is_left_out_as_models_were_trained():
    clear = pillow.new("RGBA", (2, 2), (9, 8, 7, 0))
    assert encoded(clear, format="PNG").load().getpixel((0, 0)) == (9, 8, 7)


def test_one_pixel_is_a_picture():
    assert encoded(pillow.new("L", (1, 1), 7), format="PNG").load().getpixel((0, 0)) == (7, 7, 7)


def test_a_hundred_megapixels_are_read_and_a_bomb_is_refused():
    large = encoded(pillow.new("1", (10_000, 10_000)), format="PNG")
    assert large.load().size == (10_000, 10_000)
    for height, message in ((8_000, "claims 20000 x 8000 pixels"), (10_500, "decompression bomb")):
        bomb = encoded(pillow.new("1", (20_000, height)), format="PNG")
        assert len(bomb.encoded()) < 100_000
        with pytest.raises(MediaError, match=message):
            bomb.load()
