from types import SimpleNamespace

from vae_jax.sweeps.search.places import REPLACES, places_of, to_replace


def trial(number: int, state: str = "RUNNING", replaces: int | None = None) -> SimpleNamespace:
    return SimpleNamespace(
        number=number,
        state=SimpleNamespace(name=state),
        user_attrs={} if replaces is None else {REPLACES: replaces},
    )


def test_the_first_so_many_count():
    assert places_of([trial(number) for number in (2, 0, 1, 3)], 3) == {0: 0, 1: 1, 2: 2}


def test_a_replacement_has_the_place_of_what_it_replaces():
    trials = [trial(0, "FAIL"), trial(1), trial(2, "FAIL", replaces=0), trial(3), trial(4, replaces=2)]
    assert places_of(trials, 3) == {0: 0, 1: 1, 2: 0, 3: 2, 4: 0}


def test_of_two_replacements_the_first_counts():
    trials = [trial(0, "FAIL"), trial(1, replaces=0), trial(2, replaces=0), trial(3, replaces=2)]
    assert places_of(trials, 1) == {0: 0, 1: 0}


def test_what_is_to_be_replaced():
    """What was given back, counts, and has not been replaced; neither the surplus nor a second replacement."""
    trials = [
        trial(0, "FAIL"),
        trial(1, "FAIL"),
        trial(2, "COMPLETE"),
        trial(3, "FAIL"),
        trial(4, "RUNNING", replaces=0),
        trial(5, "FAIL", replaces=0),
    ]
    assert [one.number for one in to_replace(trials, 3)] == [1]
