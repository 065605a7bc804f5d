"""Every work that a card cites by author and year is an entry, with nothing made up."""

from __future__ import annotations

from dataclasses import replace

from report.small_runs import result

from evalsuite.report.references import bibtex


def made(reference: str) -> str:
    return bibtex([replace(result("m:a", 0, 0, 0), card={"reference": reference})])


def test_authors_year_and_what_the_card_adds():
    assert made("Nangia et al. 2020, CrowS-Pairs, EMNLP; as lm-evaluation-harness has it").endswith(
        "@misc{nangia2020,\n"
        "  author = {Nangia and others},\n"
        "  year = {2020},\n"
        "  note = {CrowS-Pairs, EMNLP. Cited for fairness/image-zero-shot-gap},\n"
        "}\n"
    )


def test_several_works_of_several_authors():
    text = made("ties as in Zeiler and Fergus 2014; Iacus, King and Porro 2012, Analysis 20")
    assert "author = {Zeiler and Fergus}" in text
    assert "author = {Iacus and King and Porro}" in text


def test_a_work_that_two_probes_cite_is_one_entry():
    text = made("Radford et al. 2021; Radford et al. 2021, section 3")
    assert text.count("@misc") == 1


def test_a_reference_without_a_year_is_no_entry():
    assert "@misc" not in made("Average precision over all points")


def test_characters_of_tex_stand_for_themselves():
    assert r"note = {50\% \& more\_so. Cited" in made("Holm 1979, 50% & more_so")
