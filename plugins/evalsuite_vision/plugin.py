"""Registers the image-text models and the image tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1


@hookimpl
def evalsuite_register_models(registry: Catalogue) -> None:
    """Declare the kinds that ``hf:`` finds from a configuration, and open_clip."""
    registry.add(
        "hf/image-text-dual-encoder",
        factory="evalsuite_vision.models.dual_encoder:Loader",
        summary="embeds images and texts in one space (CLIP, SigLIP)",
        tags=("image", "model_type:clip", "model_type:siglip", "model_type:siglip2"),
    )
    registry.add(
        "hf/image-text-to-text",
        factory="evalsuite_vision.models.image_text_to_text:Loader",
        summary="writes and scores text about images (LLaVA, Idefics, Qwen-VL, Qwen-Omni, ...)",
        tags=("image", "mapping:IMAGE_TEXT_TO_TEXT", "model_type:qwen2_5_omni"),
    )
    registry.add(
        "open_clip",
        factory="evalsuite_vision.models.open_clip:Loader",
        summary="open_clip: ViT-B-32/laion2b_s34b_b79k, local-dir:PATH, hf-hub:owner/name",
        tags=("image",),
    )


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the image tasks."""
    for name, factory, summary in (
        ("zero-shot", "tasks.zero_shot:ZeroShotClassification", "classes named in words"),
        ("zero-shot-labels", "tasks.zero_shot_labels:ZeroShotLabels", "several labels at once"),
        (
            "retrieval",
            "tasks.retrieval:Retrieval",
            "captions of images, images of captions",
        ),
        (
            "visual-question-answering",
            "tasks.question_answering:VisualQuestionAnswering",
            "choices by likelihood or written, also in every rotation",
        ),
        (
            "open-question-answering",
            "tasks.visual_answers:OpenQuestionAnswering",
            "written answers against people's: VQA, ANLS, relaxed, exact",
        ),
        (
            "object-existence",
            "tasks.object_existence:ObjectExistence",
            "is an object in the image: yes or no (POPE)",
        ),
        ("captioning", "tasks.captioning:Captioning", "captions against references; CHAIR"),
        (
            "clip-score",
            "tasks.caption_scores:ClipScore",
            "given captions against images: CLIPScore, RefCLIPScore",
        ),
        (
            "caption-choice",
            "tasks.compositionality:CaptionChoice",
            "the true caption among false ones (SugarCrepe, ARO)",
        ),
        (
            "winoground",
            "tasks.winoground:Winoground",
            "two captions of the same words, two images",
        ),
        ("true-false", "tasks.true_false:TrueFalse", "statements about an image (NLVR)"),
    ):
        registry.add(
            f"vision/{name}",
            factory=f"evalsuite_vision.{factory}",
            summary=summary,
            tags=("task", "image"),
        )
