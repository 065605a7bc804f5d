"""Which kind a configuration selects: what was saved wins over what the type could also be."""

from __future__ import annotations

import pytest
from transformers import AutoConfig

from evalsuite import ModelError
from evalsuite_transformers.dispatch import kind_of


def kind(model_type, architecture, tmp_path, **facts):
    config = AutoConfig.for_model(model_type, architectures=[architecture], **facts)
    return kind_of(config, str(tmp_path)).name.removeprefix("hf/")


@pytest.mark.parametrize(
    ("model_type", "architecture", "expected"),
    [
        ("gpt2", "GPT2LMHeadModel", "causal-language-model"),
        ("llama", "LlamaForCausalLM", "causal-language-model"),
        ("bert", "BertLMHeadModel", "causal-language-model"),
        ("t5", "T5ForConditionalGeneration", "sequence-to-sequence"),
        ("mt5", "MT5ForConditionalGeneration", "sequence-to-sequence"),
        ("bart", "BartForConditionalGeneration", "sequence-to-sequence"),
        ("bart", "BartModel", "sequence-to-sequence"),
        ("mbart", "MBartForConditionalGeneration", "sequence-to-sequence"),
        ("marian", "MarianMTModel", "sequence-to-sequence"),
        ("pegasus", "PegasusForConditionalGeneration", "sequence-to-sequence"),
        ("m2m_100", "M2M100ForConditionalGeneration", "sequence-to-sequence"),
        ("bart", "BartForSequenceClassification", "text-classifier"),
        ("bert", "BertForMaskedLM", "masked-language-model"),
        ("roberta", "RobertaForMaskedLM", "masked-language-model"),
        ("modernbert", "ModernBertForMaskedLM", "masked-language-model"),
        ("deberta-v2", "DebertaV2ForMaskedLM", "masked-language-model"),
        ("bert", "BertForQuestionAnswering", "extractive-question-answerer"),
        ("roberta", "RobertaForQuestionAnswering", "extractive-question-answerer"),
        ("bert", "BertForTokenClassification", "token-classifier"),
        ("xlm-roberta", "XLMRobertaForTokenClassification", "token-classifier"),
        ("bert", "BertForSequenceClassification", "text-classifier"),
        ("bert", "BertModel", "sentence-encoder"),
        ("mpnet", "MPNetModel", "sentence-encoder"),
        ("modernbert", "ModernBertModel", "sentence-encoder"),
        ("camembert", "CamembertModel", "sentence-encoder"),
        ("t5", "T5EncoderModel", "sentence-encoder"),
        ("clip", "CLIPModel", "image-text-dual-encoder"),
        ("clap", "ClapModel", "audio-text-dual-encoder"),
        ("wav2vec2", "Wav2Vec2ForCTC", "ctc-transcriber"),
        ("wav2vec2", "Wav2Vec2ForSequenceClassification", "audio-classifier"),
        ("hubert", "HubertForSequenceClassification", "audio-classifier"),
        ("wavlm", "WavLMForSequenceClassification", "audio-classifier"),
        ("whisper", "WhisperForAudioClassification", "audio-classifier"),
        ("audio-spectrogram-transformer", "ASTForAudioClassification", "audio-classifier"),
        ("wavlm", "WavLMForXVector", "speaker-encoder"),
        ("data2vec-audio", "Data2VecAudioForXVector", "speaker-encoder"),
        ("wav2vec2", "Wav2Vec2Model", "audio-encoder"),
        ("wav2vec2", "Wav2Vec2ForPreTraining", "audio-encoder"),
        ("unispeech-sat", "UniSpeechSatForPreTraining", "audio-encoder"),
        ("audio-spectrogram-transformer", "ASTModel", "audio-encoder"),
        ("roberta", "RobertaForSequenceClassification", "text-classifier"),
        ("gpt2", "GPT2ForSequenceClassification", "text-classifier"),
        ("deberta-v2", "DebertaV2ForSequenceClassification", "text-classifier"),
    ],
)
def test_what_was_saved_selects_the_kind(model_type, architecture, expected, tmp_path):
    assert kind(model_type, architecture, tmp_path) == expected


def test_the_decoder_of_an_encoder_decoder_is_causal(tmp_path):
    facts = {"is_encoder_decoder": False, "is_decoder": True}
    assert kind("bart", "BartForCausalLM", tmp_path, **facts) == "causal-language-model"


def test_a_pooling_beside_the_configuration_makes_a_sentence_encoder(tmp_path):
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text("{}")
    assert kind("mpnet", "MPNetForMaskedLM", tmp_path) == "sentence-encoder"
    assert kind("qwen3", "Qwen3ForCausalLM", tmp_path) == "sentence-encoder"


def test_a_model_that_answers_questions_about_pictures_is_no_extractor(tmp_path):
    with pytest.raises(ModelError, match="no installed plugin can run"):
        kind("vilt", "ViltForQuestionAnswering", tmp_path)
