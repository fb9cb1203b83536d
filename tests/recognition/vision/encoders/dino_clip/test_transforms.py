"""Every checkpoint's own preprocessing, equal to its library's pixel for pixel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from recognition.vision.encoders.dino_clip.transforms import (
    as_pictures,
    hugging_face_preprocess,
    limit_aspect,
    open_clip_preprocess,
    timm_preprocess,
)
from tests.recognition.vision.encoders.small_checkpoints import some_pictures
from tests.recognition.vision.encoders.torchvision_schemas import make_torchvision_importable

PICTURES = some_pictures()
PILLOWS = [PillowImage.fromarray(picture) for picture in PICTURES]


@pytest.fixture
def processor_folder(tmp_path: Path) -> Path:
    make_torchvision_importable()
    from transformers import DINOv3ViTImageProcessor

    DINOv3ViTImageProcessor(size={"height": 192, "width": 208}, resample=3).save_pretrained(tmp_path)
    return tmp_path


def test_the_stored_image_processor_decides_for_transformers(processor_folder: Path) -> None:
    from transformers import AutoImageProcessor

    own = AutoImageProcessor.from_pretrained(processor_folder)(images=PILLOWS, return_tensors="pt")
    pixels = hugging_face_preprocess(processor_folder).apply(PICTURES)
    assert pixels.shape == (4, 3, 192, 208)
    assert torch.equal(pixels, own["pixel_values"])


def test_settings_written_by_an_older_transformers_are_understood(processor_folder: Path) -> None:
    whole = hugging_face_preprocess(processor_folder).apply(PICTURES)
    path = processor_folder / "preprocessor_config.json"
    settings = json.loads(path.read_text("utf-8"))
    older: dict[str, object] = {
        "image_processor_type": "DINOv3ViTImageProcessorFast",
        "crop_size": None,
        "device": None,
    }
    older |= {"data_format": "channels_first", "default_to_square": True, "do_center_crop": None}
    older |= {
        "disable_grouping": None,
        "do_convert_rgb": None,
        "input_data_format": None,
        "return_tensors": None,
    }
    path.write_text(json.dumps({**settings, **older}), encoding="utf-8")
    assert torch.equal(hugging_face_preprocess(processor_folder).apply(PICTURES), whole)


def test_the_models_own_configuration_decides_for_timm() -> None:
    make_torchvision_importable()
    import timm

    model = timm.create_model("vit_large_patch16_dinov3.lvd1689m", num_classes=0, depth=0)
    own = timm.data.create_transform(**timm.data.resolve_model_data_config(model), is_training=False)
    pixels = timm_preprocess(model).apply(PICTURES)
    assert pixels.shape == (4, 3, 256, 256)
    assert torch.equal(pixels, torch.stack([own(pillow) for pillow in PILLOWS]))


def test_the_models_own_transform_decides_for_open_clip() -> None:
    make_torchvision_importable()
    import open_clip
    from open_clip.model import CLIPVisionCfg, _build_vision_tower

    config = open_clip.get_model_config("ViT-B-32-256")["vision_cfg"]
    visual = _build_vision_tower(512, CLIPVisionCfg(**{**config, "layers": 0}))
    tag = open_clip.get_pretrained_cfg("ViT-B-32-256", "datacomp_s34b_b86k")
    open_clip.set_model_preprocess_cfg(
        type("Model", (), {"visual": visual})(),
        open_clip.transform.merge_preprocess_dict({"size": config["image_size"]}, tag),
    )
    own = open_clip.image_transform(256, is_train=False, mean=tag["mean"], std=tag["std"])
    pixels = open_clip_preprocess(visual).apply(PICTURES)
    assert pixels.shape == (4, 3, 256, 256)
    assert torch.equal(pixels, torch.stack([own(pillow) for pillow in PILLOWS]))


def test_a_neighbours_preprocessing_gives_other_pixels(processor_folder: Path) -> None:
    import timm
    from transformers import DINOv3ViTImageProcessor

    DINOv3ViTImageProcessor(size={"height": 256, "width": 256}).save_pretrained(processor_folder)
    squashed = hugging_face_preprocess(processor_folder).apply(PICTURES)
    model = timm.create_model("vit_large_patch16_dinov3.lvd1689m", num_classes=0, depth=0)
    cropped = timm_preprocess(model).apply(PICTURES)
    assert squashed.shape == cropped.shape
    assert float((squashed - cropped).abs().mean()) > 0.1


def test_a_picture_three_pixels_high_keeps_its_channels(processor_folder: Path) -> None:
    red = np.zeros((3, 50, 3), np.uint8)
    red[..., 0] = 255
    pixels = hugging_face_preprocess(processor_folder).apply([red])
    expected = (torch.tensor([1.0, 0.0, 0.0]) - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor(
        [0.229, 0.224, 0.225]
    )
    torch.testing.assert_close(pixels[0], expected[:, None, None].expand(3, 192, 208), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_anything_but_an_rgb_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"image 0 must be a non-empty RGB uint8 array"):
        as_pictures([image])


def test_a_view_with_reversed_axes_is_read_as_it_looks() -> None:
    picture = PICTURES[0]
    flipped = as_pictures([picture[:, ::-1]])[0]
    assert np.array_equal(np.asarray(flipped), picture[:, ::-1])


def test_a_very_long_picture_is_cut_to_its_middle() -> None:
    long = np.zeros((2, 1000, 3), np.uint8)
    long[:, 490:510] = 9
    cut = np.asarray(limit_aspect(PillowImage.fromarray(long)))
    assert cut.shape == (2, 32, 3)
    assert np.array_equal(cut, long[:, 484:516])


def test_a_picture_of_ordinary_shape_is_left_whole() -> None:
    assert limit_aspect(PILLOWS[3]) is PILLOWS[3]
