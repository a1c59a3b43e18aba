"""The shared options are taken wherever they stand."""

import uuid
from pathlib import Path

from investiture.cli.root import Shared, hoisted

OWN = {"--json": False, "--as": True, "--data": True}


def test_options_after_the_command_move_in_front_of_it() -> None:
    arguments = ["show", "x", "--json", "--as", "ada"]
    assert hoisted(arguments, OWN) == ["--json", "--as", "ada", "show", "x"]


def test_a_value_behind_an_equals_sign_stays_with_its_option() -> None:
    assert hoisted(["show", "--as=ada", "x"], OWN) == ["--as=ada", "show", "x"]


def test_options_of_the_command_stay_where_they_are() -> None:
    arguments = ["fund", "x", "--envelope", "communities", "--json"]
    assert hoisted(arguments, OWN) == ["--json", "fund", "x", "--envelope", "communities"]


def test_what_follows_two_dashes_is_not_looked_at() -> None:
    assert hoisted(["show", "--", "--json"], OWN) == ["show", "--", "--json"]


def test_an_option_without_its_value_is_left_to_the_parser() -> None:
    assert hoisted(["show", "--as"], OWN) == ["--as", "show"]


def test_a_given_request_id_is_used_as_it_is_and_apart_for_each_step() -> None:
    given = str(uuid.uuid4())
    shared = Shared(data=Path(), request_id=given)
    assert shared.fresh_request_id() == given
    steps = [shared.fresh_request_id(step) for step in ("create", "submit", "create")]
    assert steps[0] == steps[2] != steps[1]


def test_without_one_every_mutation_gets_its_own() -> None:
    shared = Shared(data=Path())
    assert shared.fresh_request_id() != shared.fresh_request_id()
