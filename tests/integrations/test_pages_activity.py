"""What a run has counted, in words."""

from integrations import activity

FULL = {"pages": 7, "seen": 3500, "new": 12, "changed": 4, "unchanged": 3484, "gone": 2}


def test_the_seen_are_divided_into_their_parts() -> None:
    assert activity.sentence(FULL) == "3,500 seen = 12 new + 4 changed + 3,484 unchanged; 2 gone"


def test_parts_that_are_nothing_are_not_said() -> None:
    assert activity.sentence({"seen": 5, "new": 0, "changed": 0, "unchanged": 5, "gone": 0}) == "5 seen = 5 unchanged"


def test_what_does_not_add_up_is_not_called_equal() -> None:
    said = activity.sentence({"seen": 10, "new": 3, "unchanged": 6})
    assert said == "10 seen, 3 new, 6 unchanged (does not add up)"
    assert not activity.adds_up({"seen": 10, "new": 3, "unchanged": 6})


def test_a_count_of_nothing_seen_is_said() -> None:
    assert activity.sentence({"pages": 1, "seen": 0, "new": 0}) == "nothing seen"


def test_without_counts_there_is_no_sentence() -> None:
    assert activity.sentence({}) == ""


def test_every_known_count_is_said_in_words() -> None:
    counts = {"back": 1, "gone": 2, "unreadable": 3, "repeated": 4, "created": 1, "linked": 6, "problems": 1}
    assert activity.sentence(counts) == (
        "1 back again; 2 gone; 3 could not be read; 4 shown twice by the shop; 1 product created; 6 linked;"
        " 1 problem waits"
    )


def test_a_count_with_a_new_name_is_not_lost() -> None:
    assert activity.sentence({"pushed": 1200}) == "1,200 pushed"


def test_an_odd_name_breaks_no_sentence() -> None:
    assert activity.sentence({"100%s": 2}) == "2 100%s"


def test_the_equation_names_every_part_even_if_empty() -> None:
    assert activity.whole(FULL) == activity.Count(3500, "seen")
    assert [(part.value, part.label) for part in activity.parts({"seen": 1, "new": 1})] == [
        (1, "new"),
        (0, "changed"),
        (0, "unchanged"),
    ]
    assert activity.adds_up(FULL)


def test_beside_the_equation_stand_the_pages_and_what_is_not_nothing() -> None:
    assert activity.beside({**FULL, "back": 0}) == [activity.Count(7, "pages read"), activity.Count(2, "gone")]


def test_a_run_that_looks_at_no_items_has_no_equation() -> None:
    assert activity.whole({"created": 2}) is None
