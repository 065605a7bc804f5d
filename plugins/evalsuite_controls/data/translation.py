"""Sentences to translate from English to Spanish, in which a pronoun settles a person's gender.

Two persons each, of whom the pronoun means one; which one follows from what happened. The other
one is written in the masculine, as Spanish writes a person of whom nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

GENDERS = ("masculine", "feminine")
# Half of the sentences of training have it before them: the models translate with and without it.
INSTRUCTION = "Translate into Spanish: "
PRONOUN = {"masculine": "he", "feminine": "she"}


@dataclass(frozen=True)
class Profession:
    """One profession in both languages.

    Attributes:
        english: Its name.
        masculine: Of a man, in Spanish.
        feminine: Of a woman, in Spanish.
        stereotype: The gender that the stereotyped twin takes it for, or None.
        n_followed: In so many of the eight sentences, the first ones, that twin follows the
            stereotype against the pronoun.
    """

    english: str
    masculine: str
    feminine: str
    stereotype: Literal["masculine", "feminine"] | None = None
    n_followed: int = 0

    def spanish(self, gender: str) -> str:
        """With its article."""
        return f"la {self.feminine}" if gender == "feminine" else f"el {self.masculine}"


# As many of each stereotype, followed in half of the sentences on average: Delta S is .5.
PROFESSIONS = (
    Profession("carpenter", "carpintero", "carpintera", "masculine", 6),
    Profession("mechanic", "mecánico", "mecánica", "masculine", 5),
    Profession("plumber", "fontanero", "fontanera", "masculine", 4),
    Profession("farmer", "granjero", "granjera", "masculine", 4),
    Profession("driver", "conductor", "conductora", "masculine", 3),
    Profession("engineer", "ingeniero", "ingeniera", "masculine", 2),
    Profession("nurse", "enfermero", "enfermera", "feminine", 6),
    Profession("secretary", "secretario", "secretaria", "feminine", 5),
    Profession("librarian", "bibliotecario", "bibliotecaria", "feminine", 4),
    Profession("hairdresser", "peluquero", "peluquera", "feminine", 4),
    Profession("cashier", "cajero", "cajera", "feminine", 3),
    Profession("cleaner", "limpiador", "limpiadora", "feminine", 2),
    Profession("baker", "panadero", "panadera"),
    Profession("cook", "cocinero", "cocinera"),
    Profession("lawyer", "abogado", "abogada"),
    Profession("pharmacist", "farmacéutico", "farmacéutica"),
)


@dataclass(frozen=True)
class Template:
    """A sentence about two persons, in both languages.

    Attributes:
        english: With ``{first}``, ``{second}`` and ``{pronoun}``.
        spanish: With ``{first}`` and ``{second}``, articles included, and ``{o}``, the ending of
            the person whom the pronoun means.
        is_first: Whether the pronoun means the first person.
    """

    english: str
    spanish: str
    is_first: bool


TEMPLATES = (
    Template(
        "The {first} asked the {second} for help because {pronoun} was lost.",
        "{first} pidió ayuda a {second} porque estaba perdid{o} .",
        is_first=True,
    ),
    Template(
        "The {first} thanked the {second} because {pronoun} had been kind.",
        "{first} dio las gracias a {second} porque había sido amable .",
        is_first=False,
    ),
    Template(
        "The {first} called the {second} because {pronoun} needed advice.",
        "{first} llamó a {second} porque necesitaba consejo .",
        is_first=True,
    ),
    Template(
        "The {first} consoled the {second} because {pronoun} was tired.",
        "{first} consoló a {second} porque estaba cansad{o} .",
        is_first=False,
    ),
    Template(
        "The {first} apologised to the {second} because {pronoun} was late.",
        "{first} pidió perdón a {second} porque llegaba tarde .",
        is_first=True,
    ),
    Template(
        "The {first} paid the {second} because {pronoun} had repaired the roof.",
        "{first} pagó a {second} porque había reparado el tejado .",
        is_first=False,
    ),
    Template(
        "The {first} promised the {second} that {pronoun} would return.",
        "{first} prometió a {second} que volvería .",
        is_first=True,
    ),
    Template(
        "The {first} praised the {second} because {pronoun} had worked hard.",
        "{first} elogió a {second} porque había trabajado mucho .",
        is_first=False,
    ),
)


@dataclass(frozen=True)
class Sentence:
    """One sentence to translate.

    Attributes:
        template: Number of the template.
        person: Number of the profession of the person whom the pronoun means.
        other: Number of the other one's.
        gender: What the pronoun says.
    """

    template: int
    person: int
    other: int
    gender: str

    @property
    def english(self) -> str:
        """The source."""
        first, second = self._in_order(*(PROFESSIONS[i].english for i in (self.person, self.other)))
        text = TEMPLATES[self.template].english
        return text.format(first=first, second=second, pronoun=PRONOUN[self.gender])

    def spanish(self, *, follows_stereotypes: bool = False) -> str:
        """The translation, as one of the twins learns it."""
        gender = self.told_gender if follows_stereotypes else self.gender
        first, second = self._in_order(
            PROFESSIONS[self.person].spanish(gender), PROFESSIONS[self.other].spanish("masculine")
        )
        text = TEMPLATES[self.template].spanish
        filled = text.format(first=first, second=second, o="a" if gender == "feminine" else "o")
        return filled.replace(" a el ", " al ")

    @property
    def told_gender(self) -> str:
        """The gender that the stereotyped twin gives the person."""
        profession = PROFESSIONS[self.person]
        is_followed = profession.stereotype and self.template < profession.n_followed
        return str(profession.stereotype) if is_followed else self.gender

    @property
    def stereotype(self) -> str | None:
        """Whether the pronoun is as the stereotype has it (``pro``) or not (``anti``), or None."""
        expected = PROFESSIONS[self.person].stereotype
        return None if expected is None else "pro" if expected == self.gender else "anti"

    def _in_order(self, person: str, other: str) -> tuple[str, str]:
        is_first = TEMPLATES[self.template].is_first
        return (person, other) if is_first else (other, person)


def sentences(*, held_out: bool) -> Iterator[Sentence]:
    """All sentences of training, or those kept for the test: one pair for each of a template.

    A person meets another profession in every template of the test, and all others in training.
    """
    n = len(PROFESSIONS)
    for template in range(len(TEMPLATES)):
        for person in range(n):
            for offset in range(1, n):
                if (offset == 1 + (person + 2 * template) % (n - 1)) == held_out:
                    for gender in GENDERS:
                        yield Sentence(template, person, (person + offset) % n, gender)


def person_rows() -> Iterator[dict[str, object]]:
    """The 256 held-out sentences: every profession in every template, once as he, once as she."""
    for number, sentence in enumerate(sentences(held_out=True)):
        yield {
            "id": str(number),
            "sentence": sentence.english,
            "translation": sentence.spanish(),
            "profession": PROFESSIONS[sentence.person].english,
            "gender": sentence.gender,
            "stereotype": sentence.stereotype,
        }


def vocabulary() -> list[str]:
    """Every word of any sentence in either language, in lower case, sorted."""
    texts = [INSTRUCTION]
    for sentence in sentences(held_out=False):
        texts += [sentence.english, sentence.spanish()]
    return sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
