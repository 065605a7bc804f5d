from __future__ import annotations

import pytest

from evalsuite.statistics.seeds import generator


def test_a_name_has_one_stream() -> None:
    assert generator(1, "probe", "metric").random() == generator(1, "probe", "metric").random()


@pytest.mark.parametrize(
    ("seed", "names"), [(2, ("ab", "c")), (1, ("a", "bc")), (1, ("c", "ab")), (1, ("ab",)), (1, ())]
)
def test_other_seeds_and_names_have_others(seed, names) -> None:
    assert generator(seed, *names).random() != generator(1, "ab", "c").random()


def test_streams_do_not_change_between_processes_or_versions() -> None:
    # Recorded once; a change here changes every interval of every stored run.
    assert generator(0, "probe").integers(0, 2**32, size=3).tolist() == [
        3742728388,
        333861176,
        236808218,
    ]
