from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icc_profiles import DISPLAY_P3_PRIMARIES, matrix_profile
from mutations import damaged_files, encoded, good_files, png_claiming, scene
from PIL import ExifTags, Image

from sploot_media_clustering.adapters import images
from sploot_media_clustering.adapters.allowance import Allowance
from sploot_media_clustering.adapters.images import (
    MIN_DECODED_PIXELS,
    ImageLimits,
    PillowDecoder,
    decoding_scale,
)
from sploot_media_clustering.domain.album import WHOLE, Box
from sploot_media_clustering.errors import (
    EmptyFileError,
    ImageTooLargeError,
    ImageTooSmallError,
    NotAnImageError,
    TruncatedImageError,
    UnreadablePhotoError,
)

LOSSY_LEVELS = 12
"""By how much a smooth picture's colours may change in a lossy format at its usual quality."""
GOOD = good_files(seed=3)


@pytest.fixture
def decoder() -> PillowDecoder:
    return PillowDecoder(ImageLimits())


def corners(size_px: tuple[int, int]) -> Image.Image:
    """Red, green / blue, white: which corner is where tells the orientation."""
    tile = np.uint8([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]])
    return Image.fromarray(tile).resize(size_px, Image.Resampling.NEAREST)


def with_exif(image: Image.Image, extension: str, tags: dict[int, object], **options: object) -> bytes:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    return encoded(image, extension, exif=exif.tobytes(), **options)


def refusal_of(data: bytes) -> str:
    """What is said about a file that is refused, empty for one that is read."""
    try:
        PillowDecoder(ImageLimits()).decode(data)
    except UnreadablePhotoError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("extension", sorted(GOOD))
def test_every_format_shows_its_picture(decoder: PillowDecoder, extension: str) -> None:
    """JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP and TIFF give the colours that went in."""
    picture = decoder.decode(encoded(corners((160, 120)), extension))
    view = picture.view(WHOLE, 4, 2)
    assert picture.size_px == (160, 120)
    expected = np.asarray(corners((4, 2))).astype(int)
    assert np.abs(view[:, [0, 3]].astype(int) - expected[:, [0, 3]]).max() <= LOSSY_LEVELS


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif", "heic", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(
    decoder: PillowDecoder, orientation: int, extension: str
) -> None:
    """What a camera stored turned or mirrored is seen as it was."""
    undo = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    upright = corners((160, 120))
    stored = upright if undo is None else upright.transpose(undo)
    picture = decoder.decode(with_exif(stored, extension, {ExifTags.Base.Orientation: orientation}))
    assert picture.size_px == (160, 120)
    view = picture.view(WHOLE, 4, 2)[:, [0, 3]].astype(int)
    assert np.abs(view - np.asarray(corners((2, 2))).astype(int)).max() <= LOSSY_LEVELS


def test_a_gif_shows_its_first_frame(decoder: PillowDecoder) -> None:
    """An animation stands for itself with the frame that it opens with."""
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert decoder.decode(data).view(WHOLE, 1, 1)[0, 0].tolist() == [255, 0, 0]


def test_the_second_picture_of_a_multi_picture_jpeg_is_ignored(decoder: PillowDecoder) -> None:
    """Phones append depth maps and previews behind the photo."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(
        buffer, "MPO", save_all=True, append_images=[Image.new("RGB", (32, 32), "blue")]
    )
    picture = decoder.decode(buffer.getvalue())
    assert picture.size_px == (64, 64)
    assert picture.view(WHOLE, 1, 1)[0, 0, 0] > 240


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_of_other_colour_models_become_rgb(decoder: PillowDecoder, mode: str) -> None:
    """Scans are grey, and print shops send ink."""
    image = scene(np.random.default_rng(1)).convert(mode)
    view = decoder.decode(encoded(image, "jpg", quality=95)).view(WHOLE, 160, 120)
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(view.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("progressive", [False, True])
def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(decoder: PillowDecoder, progressive: bool) -> None:
    """Twelve megapixels shrink to 1008 x 756, and the original's size is still told."""
    image = scene(np.random.default_rng(2), (4032, 3024))
    picture = decoder.decode(encoded(image, "jpg", quality=90, progressive=progressive))
    assert picture.pixels.size == (1008, 756)
    assert picture.size_px == (4032, 3024)
    expected = np.asarray(image.resize((64, 48), Image.Resampling.BOX)).astype(int)
    assert np.abs(picture.view(WHOLE, 64, 48).astype(int) - expected).mean() < 2


@pytest.mark.parametrize("extension", ["png", "webp", "bmp"])
def test_other_formats_are_kept_at_the_same_scale(decoder: PillowDecoder, extension: str) -> None:
    """Memory and the cost of views depend on what is seen and not on the format."""
    picture = decoder.decode(encoded(Image.new("RGB", (1600, 1200), "tan"), extension))
    assert picture.pixels.size == (800, 600)
    assert picture.size_px == (1600, 1200)


@given(st.integers(32, 32_768), st.integers(32, 32_768))
def test_scaling_never_goes_below_what_is_needed(width_px: int, height_px: int) -> None:
    """The scale is the largest that leaves enough pixels, or none at all."""
    scale = decoding_scale(width_px, height_px)
    assert scale in {1, 2, 4, 8}
    assert scale == 1 or width_px * height_px / scale**2 >= MIN_DECODED_PIXELS
    assert scale == 8 or width_px * height_px / (2 * scale) ** 2 < MIN_DECODED_PIXELS


def test_wide_gamut_photos_are_seen_in_srgb(decoder: PillowDecoder) -> None:
    """A phone's Display P3 red is stronger than the same numbers in sRGB."""
    image = Image.new("RGB", (64, 64), (200, 60, 60))
    plain = decoder.decode(encoded(image, "png")).view(WHOLE, 1, 1)[0, 0]
    profile = matrix_profile(DISPLAY_P3_PRIMARIES)
    wide = decoder.decode(encoded(image, "png", icc_profile=profile)).view(WHOLE, 1, 1)[0, 0]
    assert plain.tolist() == [200, 60, 60]
    assert wide[0] > 205
    assert wide[1] < 60


def test_a_profile_of_a_grey_photo_is_ignored(decoder: PillowDecoder) -> None:
    """A profile for other pixels than these can't be applied."""
    data = encoded(Image.new("L", (64, 64), 100), "png", icc_profile=matrix_profile(DISPLAY_P3_PRIMARIES))
    assert np.abs(decoder.decode(data).view(WHOLE, 1, 1)[0, 0].astype(int) - 100).max() <= 2


def test_the_capture_time_is_read_with_its_offset(decoder: PillowDecoder) -> None:
    """Where the file tells it, the time is aware."""
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2024:05:01 12:00:00"
    details[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    details[ExifTags.Base.SubsecTimeOriginal] = "25"
    for extension in ("jpg", "png", "webp", "heic", "avif"):
        data = encoded(Image.new("RGB", (64, 64)), extension, exif=exif.tobytes())
        assert decoder.decode(data).captured_at == datetime(2024, 5, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert decoder.decode(GOOD["png"]).captured_at is None


def test_a_view_is_what_lies_inside_the_box(decoder: PillowDecoder) -> None:
    """Fractions of the upright photo, whatever its size."""
    picture = decoder.decode(encoded(corners((160, 120)), "png"))
    assert picture.view(Box(0.0, 0.0, 0.3, 0.3), 3, 3).reshape(-1, 3).tolist() == [[255, 0, 0]] * 9
    assert picture.view(Box(0.7, 0.0, 1.0, 0.3), 3, 3).reshape(-1, 3).tolist() == [[0, 255, 0]] * 9
    assert picture.view(Box(0.7, 0.7, 1.0, 1.0), 3, 3).reshape(-1, 3).tolist() == [[255, 255, 255]] * 9


def test_a_view_does_not_alias(decoder: PillowDecoder) -> None:
    """Stripes finer than the view's pixels become grey, not other stripes."""
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    view = decoder.decode(encoded(Image.fromarray(stripes), "png")).view(WHOLE, 224, 224).astype(int)
    assert view.std() < 0.15 * stripes.std()
    assert view.mean() == pytest.approx(127.5, abs=3)


@given(
    box=st.builds(Box, *[st.floats(-3, 3)] * 4),
    width_px=st.integers(1, 40),
    height_px=st.integers(1, 40),
)
@settings(max_examples=60)
def test_any_box_gives_a_view_of_the_size_asked_for(box: Box, width_px: int, height_px: int) -> None:
    """Boxes over the edge are clipped, empty and inverted ones widened to a pixel."""
    view = PillowDecoder(ImageLimits()).decode(GOOD["bmp"]).view(box, width_px, height_px)
    assert view.shape == (height_px, width_px, 3)
    assert view.dtype == np.uint8
    assert view.flags.c_contiguous


def test_a_box_over_the_edge_shows_the_part_inside(decoder: PillowDecoder) -> None:
    """Clipped, not shifted and not padded."""
    picture = decoder.decode(GOOD["png"])
    clipped = picture.view(Box(0.5, 0.25, 1.0, 1.0), 20, 20)
    assert (picture.view(Box(0.5, 0.25, 1.7, 9.0), 20, 20) == clipped).all()


def test_no_bytes_are_an_empty_file(decoder: PillowDecoder) -> None:
    """A sync that never came has its own name."""
    with pytest.raises(EmptyFileError, match="0 bytes"):
        decoder.decode(b"")


def test_a_file_over_the_limit_is_not_looked_at() -> None:
    """The limit in bytes holds before anything is parsed."""
    with pytest.raises(ImageTooLargeError, match="at most 10 bytes, got 11"):
        PillowDecoder(ImageLimits(max_bytes=10)).decode(b"not even it")


@pytest.mark.parametrize(
    ("limits", "size_px", "error", "said"),
    [
        (ImageLimits(), (1, 1), ImageTooSmallError, "at least 32 pixels a side, got 1 x 1"),
        (ImageLimits(), (5000, 31), ImageTooSmallError, "got 5000 x 31"),
        (ImageLimits(), (40_000, 40), ImageTooLargeError, "at most 32,768 pixels a side, got 40000 x 40"),
        (ImageLimits(), (30_000, 30_000), ImageTooLargeError, "at most 120,000,000 pixels"),
        (ImageLimits(max_pixels=10_000), (101, 100), ImageTooLargeError, "at most 10,000 pixels"),
    ],
)
def test_a_size_beyond_the_limits_is_refused_from_the_header(
    limits: ImageLimits, size_px: tuple[int, int], error: type[Exception], said: str
) -> None:
    """There are no pixels behind these headers: whoever unpacked them would call them damaged."""
    with pytest.raises(error, match=said):
        PillowDecoder(limits).decode(png_claiming(*size_px))


def test_limits_are_inclusive() -> None:
    """At the limit is inside it."""
    data = encoded(Image.new("RGB", (100, 50)), "png")
    limits = ImageLimits(max_bytes=len(data), max_pixels=5000, max_side_px=100, min_side_px=50)
    assert PillowDecoder(limits).decode(data).size_px == (100, 50)


@pytest.mark.parametrize("missing_bytes", [1, 2, 3, 17, 100, 1000])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_ends_early_is_truncated(
    decoder: PillowDecoder, missing_bytes: int, progressive: bool
) -> None:
    """However little is missing: half a photo in grey is no photo."""
    data = encoded(scene(np.random.default_rng(5), (400, 300)), "jpg", progressive=progressive)
    with pytest.raises(TruncatedImageError, match="end early or are damaged"):
        decoder.decode(data[:-missing_bytes])


def test_bytes_behind_the_end_do_not_matter(decoder: PillowDecoder) -> None:
    """Phones append whole videos to their photos."""
    assert decoder.decode(GOOD["jpg"] + b"\0" * 1000).size_px == (120, 160)


def test_a_stranger_is_not_an_image(decoder: PillowDecoder) -> None:
    """A note under the name of a picture."""
    with pytest.raises(NotAnImageError, match="unknown bytes"):
        decoder.decode(b"just a note about a cat")


def test_the_cause_is_kept_for_whoever_debugs(decoder: PillowDecoder) -> None:
    """What the decoder said stands behind our error."""
    with pytest.raises(TruncatedImageError) as caught:
        decoder.decode(GOOD["png"][:-200])
    assert caught.value.__cause__ is not None


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_are_refused_one_by_one() -> None:
    """All kinds of damage: what has no picture is refused by name, and nothing else is ever raised."""
    for damaged in damaged_files(count=160, seed=11):
        refusal = refusal_of(damaged.data)
        assert refusal or not damaged.refused, damaged.name
        assert not refusal or refusal.startswith("expected"), damaged.name


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    extension=st.sampled_from(sorted(GOOD)),
    changes=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=12),
    near_start=st.booleans(),
    kept=st.floats(0.0, 1.0),
)
def test_decoding_raises_unreadable_photo_or_nothing(
    extension: str, changes: list[tuple[int, int]], near_start: bool, kept: float
) -> None:
    """Whatever the bytes: a picture with views, or an error that concerns this photo alone."""
    data = bytearray(GOOD[extension])
    for at, value in changes:
        data[at % (64 if near_start else len(data))] = value
    try:
        picture = PillowDecoder(ImageLimits()).decode(bytes(data[: int(len(data) * kept) + 1]))
    except UnreadablePhotoError:
        return
    assert picture.view(WHOLE, 8, 8).shape == (8, 8, 3)


@given(st.binary(max_size=400))
def test_random_bytes_raise_unreadable_photo(data: bytes) -> None:
    """No bytes at random are a photo."""
    with pytest.raises(UnreadablePhotoError):
        PillowDecoder(ImageLimits()).decode(data)


def test_one_decoder_serves_many_threads(decoder: PillowDecoder) -> None:
    """Results do not depend on who else decodes; the profile's transform is shared."""
    image = scene(np.random.default_rng(8), (640, 480))
    data = encoded(image, "jpg", icc_profile=matrix_profile(DISPLAY_P3_PRIMARIES))
    expected = decoder.decode(data).view(WHOLE, 100, 100)
    results: list[bool] = []

    def work() -> None:
        results.extend((decoder.decode(data).view(WHOLE, 100, 100) == expected).all() for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 20


def test_unpacked_pixels_are_bounded_over_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photo takes from the allowance what its decoder unpacks: all of a PNG, a JPEG at its scale."""
    taken = []

    class Counted(Allowance):
        @contextmanager
        def of(self, amount: int) -> Iterator[None]:
            taken.append(amount)
            yield

    monkeypatch.setattr(images, "Allowance", Counted)
    counting = PillowDecoder(ImageLimits())
    picture = Image.new("RGB", (4000, 3000))
    for kind in ("PNG", "JPEG"):
        data = io.BytesIO()
        picture.save(data, kind)
        counting.decode(data.getvalue())
    assert taken == [4000 * 3000, 1000 * 750]
