"""Registers the privacy-leakage probes and their section of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsuite import hookimpl

if TYPE_CHECKING:
    from evalsuite.registry import Catalogue

api_version = 1

# Probe: where it is, the question it answers, the medium it is about.
_PROBES = (
    (
        "membership-inference",
        "membership.probes:MembershipInference",
        "can members of the training data be told by their likelihood?",
        "text",
    ),
    (
        "masked-membership-inference",
        "membership.probes:MaskedMembershipInference",
        "the same for masked language models, by pseudo-likelihood",
        "text",
    ),
    (
        "conditional-membership-inference",
        "membership.probes:ConditionalMembershipInference",
        "the same for texts that a model writes to a prompt",
        "text",
    ),
    (
        "image-membership-inference",
        "membership.probes:ImageMembershipInference",
        "the same for pictures with their texts",
        "image",
    ),
    (
        "audio-membership-inference",
        "membership.probes:AudioMembershipInference",
        "the same for clips with their transcripts",
        "audio",
    ),
    (
        "transcript-membership-inference",
        "membership.probes:TranscriptMembershipInference",
        "the same for clips with their transcripts, by a transcriber with a CTC head",
        "audio",
    ),
    (
        "gradient-membership",
        "membership.gradients:GradientMembership",
        "would members change a model's weights less than other texts?",
        "text",
    ),
    (
        "image-gradient-membership",
        "membership.gradients:ImageGradientMembership",
        "the same for pictures with their texts",
        "image",
    ),
    (
        "image-entropy-membership",
        "membership.entropies:ImageEntropyMembership",
        "MaxRényi: is a model less in doubt about pictures that it was trained on?",
        "image",
    ),
    (
        "audio-entropy-membership",
        "membership.entropies:AudioEntropyMembership",
        "the same for clips",
        "audio",
    ),
    (
        "image-pair-membership",
        "identity.pairs:ImagePairMembership",
        "can pictures with captions be told that a dual encoder was trained on?",
        "image",
    ),
    (
        "audio-pair-membership",
        "identity.pairs:AudioPairMembership",
        "the same for clips with captions",
        "audio",
    ),
    (
        "image-identity-inference",
        "identity.inference:ImageIdentityInference",
        "which persons does a dual encoder know by their pictures?",
        "image",
    ),
    (
        "audio-identity-inference",
        "identity.inference:AudioIdentityInference",
        "which persons does a dual encoder know by their voices?",
        "audio",
    ),
    (
        "reference-model-membership",
        "membership.shadow:ReferenceModelMembership",
        "LiRA and RMIA: can members be told when other models are at hand?",
        "text",
    ),
    (
        "canary-exposure",
        "memorisation.exposure:CanaryExposure",
        "how far do planted secrets stand out among others of their kind?",
        "text",
    ),
    (
        "masked-canary-exposure",
        "memorisation.exposure:MaskedCanaryExposure",
        "the same for masked language models, by pseudo-likelihood",
        "text",
    ),
    (
        "conditional-canary-exposure",
        "memorisation.exposure:ConditionalCanaryExposure",
        "the same for texts that a model writes to a prompt",
        "text",
    ),
    (
        "image-canary-exposure",
        "memorisation.exposure:ImageCanaryExposure",
        "the same for captions of pictures",
        "image",
    ),
    (
        "audio-canary-exposure",
        "memorisation.exposure:AudioCanaryExposure",
        "the same for transcripts and captions of clips",
        "audio",
    ),
    (
        "extraction",
        "memorisation.extraction:Extraction",
        "does a model go on with its training texts word by word?",
        "text",
    ),
    (
        "image-extraction",
        "memorisation.media_extraction:ImageExtraction",
        "the same for captions, shown the picture",
        "image",
    ),
    (
        "audio-extraction",
        "memorisation.media_extraction:AudioExtraction",
        "the same for transcripts and captions, played the clip",
        "audio",
    ),
    (
        "discoverable-extraction",
        "memorisation.discoverable:DiscoverableExtraction",
        "in how many samples would it?",
        "text",
    ),
    (
        "noise-masking",
        "memorisation.noise_masking:NoiseMasking",
        "does a transcriber write names over noise that it was trained on?",
        "audio",
    ),
    (
        "epsilon-lower-bound",
        "memorisation.privacy_loss:PrivacyLossAudit",
        "how large is the privacy loss of the training at least?",
        "text",
    ),
    (
        "personal-data-elicitation",
        "personal.elicitation:PersonalDataElicitation",
        "does a model tell a person's data when asked?",
        "text",
    ),
    (
        "personal-data-association",
        "personal.elicitation:PersonalDataAssociation",
        "does it link a name and other data to the next?",
        "text",
    ),
    (
        "personal-data-rank",
        "personal.rank:PersonalDataRank",
        "does it find a person's true value likelier than decoys?",
        "text",
    ),
    (
        "in-context-secrets",
        "personal.in_context:InContextSecrets",
        "does it give away a secret of its instructions?",
        "text",
    ),
    (
        "contextual-integrity",
        "personal.contextual:ContextualIntegrity",
        "does it rate private information as people do?",
        "text",
    ),
    (
        "contextual-leak",
        "personal.contextual:ContextualLeak",
        "does it tell what should stay in its context?",
        "text",
    ),
)


@hookimpl
def evalsuite_register_probes(registry: Catalogue) -> None:
    """Declare the probes."""
    for name, factory, summary, medium in _PROBES:
        registry.add(
            f"privacy/{name}",
            factory=f"evalsuite_privacy.{factory}",
            summary=summary,
            tags=("privacy", medium),
        )


@hookimpl
def evalsuite_register_sources(registry: Catalogue) -> None:
    """Declare made-up people, and ConfAIde's files."""
    registry.add(
        "privacy/synthetic-identities",
        factory="evalsuite_privacy.personal.identities:SyntheticIdentities",
        summary="made-up people with data to plant, to ask for, and decoys",
    )
    registry.add(
        "privacy/confaide",
        factory="evalsuite_privacy.personal.confaide:Confaide",
        summary="a tier of ConfAIde from the folder of its text files",
    )


@hookimpl
def evalsuite_register_report_sections(registry: Catalogue) -> None:
    """Declare the ROC curves of membership attacks."""
    registry.add("privacy/membership-curves", factory="evalsuite_privacy.roc_section:curves")


@hookimpl
def evalsuite_register_commands(registry: Catalogue) -> None:
    """Declare ``evalsuite canaries``."""
    registry.add(
        "canaries",
        factory="evalsuite_privacy.memorisation.command:canaries",
        summary="Make secrets to plant in training data.",
    )
