"""Answers to questions about images or clips, chosen among options or written; their scores."""

from evalsuite.answers.choices import LETTERS, chosen_option, yes_or_no
from evalsuite.answers.multiple_choice import MultipleChoiceTask, choices_of, credit, rotated
from evalsuite.answers.open_answers import OpenAnswersTask
from evalsuite.answers.refusal import RefusalRules, is_refusal, refusal_rules
from evalsuite.answers.scores import (
    NAMES,
    SCORINGS,
    Scoring,
    anls,
    exact_match,
    majority_match,
    most_frequent,
    relaxed_accuracy,
    vqa_accuracy,
)
from evalsuite.answers.vqa_words import normal_answer

__all__ = [
    "LETTERS",
    "NAMES",
    "SCORINGS",
    "MultipleChoiceTask",
    "OpenAnswersTask",
    "RefusalRules",
    "Scoring",
    "anls",
    "choices_of",
    "chosen_option",
    "credit",
    "exact_match",
    "is_refusal",
    "majority_match",
    "most_frequent",
    "normal_answer",
    "refusal_rules",
    "relaxed_accuracy",
    "rotated",
    "vqa_accuracy",
    "yes_or_no",
]
