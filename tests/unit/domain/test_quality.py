"""What pixels say, on pictures made so that the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from sploot_media_clustering.domain.quality import CROP_PX, PIXEL_MEASURES, measure


def measured(picture: np.ndarray, source_px: float = 500.0) -> dict[str, float]:
    return dict(zip(PIXEL_MEASURES, measure(picture, source_px).tolist(), strict=True))


def fur(blur_px: float = 0.0, *, noise: float = 0.0, gain: float = 1.0) -> np.ndarray:
    """Texture of all scales, as fur has it."""
    rng = np.random.default_rng(5)
    side = CROP_PX
    texture = sum(
        scale * gaussian_filter(rng.normal(size=(side, side)), scale, mode="wrap") for scale in (1, 2, 4, 8)
    )
    texture = gaussian_filter(texture / texture.std(), blur_px) if blur_px else texture / texture.std()
    grey = 0.5 + gain * 0.12 * texture + noise * rng.normal(size=texture.shape)
    return np.repeat((grey.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def test_blur_lowers_detail_and_acuity() -> None:
    """The more blur, the less of both."""
    rows = [measured(fur(blur)) for blur in (0.0, 1.0, 2.0, 4.0)]
    for name in ("detail", "acuity"):
        values = [row[name] for row in rows]
        assert values == sorted(values, reverse=True)
        assert values[0] > values[-1] * (1.05 if values[-1] > 0 else 0.95)


def test_acuity_hardly_minds_contrast() -> None:
    """A flat light does not make a sharp picture blurred; detail does mind it."""
    flat, full = measured(fur(gain=0.5)), measured(fur())
    assert flat["acuity"] == pytest.approx(full["acuity"], rel=0.2)
    assert flat["detail"] < full["detail"] - 0.5


def test_a_blurred_background_does_not_make_an_animal_blurred() -> None:
    """The better half of the cells counts."""
    picture = fur()
    portrait = picture.copy()
    portrait[:, : CROP_PX * 7 // 16] = 128
    assert measured(portrait)["detail"] == pytest.approx(measured(picture)["detail"], abs=0.15)
    assert measured(fur(3.0))["detail"] < measured(portrait)["detail"] - 0.5


def test_noise_is_told_from_texture() -> None:
    """Noise in smooth places raises the measure of noise, the noisier the more."""
    values = [measured(fur(6.0, noise=noise))["noise"] for noise in (0.0, 0.01, 0.03)]
    assert values == sorted(values)
    assert np.exp(values[2]) == pytest.approx(0.03, rel=0.25)


def test_light_is_measured_on_the_middle_and_clipping_everywhere() -> None:
    """A dark animal before a bright wall is dark."""
    picture = np.full((CROP_PX, CROP_PX, 3), 255, np.uint8)
    picture[60:200, 60:200] = 0
    light = measured(picture)
    assert light["brightness"] < 0.05
    assert light["highlights"] == pytest.approx(1 - (140 / 256) ** 2, abs=0.01)
    assert light["shadows"] == pytest.approx((140 / 256) ** 2, abs=0.01)


def test_grey_is_not_colourful() -> None:
    """Colourfulness of a grey picture is 0, whatever its light."""
    assert measured(fur())["colourfulness"] == pytest.approx(0.0, abs=1e-6)
    half = fur()
    half[:, :128, 0] = 255
    assert measured(half)["colourfulness"] > 0.1


def test_the_source_s_size_is_passed_on() -> None:
    """What enlarging hides, the size tells."""
    assert measured(fur(), 73.0)["source_px"] == 73.0


@given(
    st.tuples(st.integers(3, 24), st.integers(3, 24)).flatmap(lambda side: arrays(np.uint8, (*side, 3))),
    st.floats(1, 5000),
)
def test_measures_are_finite(picture: np.ndarray, source_px: float) -> None:
    """Slim, flat and clipped pictures too."""
    assert np.isfinite(measure(picture, source_px)).all()


def test_a_picture_without_second_differences_is_refused() -> None:
    """Two pixels have no sharpness."""
    with pytest.raises(ValueError, match="at least 3 pixels"):
        measure(np.zeros((2, 50, 3), np.uint8), 50.0)
