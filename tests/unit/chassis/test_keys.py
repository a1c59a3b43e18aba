"""Key files: made once, private ones for their owner only."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from investiture.chassis import keys


def test_missing_pairs_are_written_and_never_again(tmp_path: Path) -> None:
    written = keys.write_missing(tmp_path, ["budget", "launch"])
    assert sorted(str(path.relative_to(tmp_path)) for path in written) == [
        "budget-1.jwk",
        "launch-1.jwk",
        "private/budget-1.jwk",
        "private/launch-1.jwk",
    ]
    before = {path: path.read_bytes() for path in written}
    assert keys.write_missing(tmp_path, ["budget", "launch"]) == []
    assert {path: path.read_bytes() for path in written} == before


def test_only_the_owner_reads_a_private_key(tmp_path: Path) -> None:
    keys.write_missing(tmp_path, ["budget"])
    private = keys.signing_key(tmp_path, "budget")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    public = json.loads((tmp_path / "budget-1.jwk").read_text())
    assert "d" not in public
    assert public["x"] == json.loads(private.read_text())["x"]


def test_a_lost_public_key_is_made_from_the_private_one(tmp_path: Path) -> None:
    keys.write_missing(tmp_path, ["budget"])
    public = tmp_path / "budget-1.jwk"
    content = public.read_bytes()
    public.unlink()
    assert keys.write_missing(tmp_path, ["budget"]) == [public]
    assert public.read_bytes() == content


def test_a_service_whose_private_key_lives_elsewhere_is_left_alone(tmp_path: Path) -> None:
    keys.write_missing(tmp_path, ["budget"])
    keys.signing_key(tmp_path, "budget").unlink()
    assert keys.write_missing(tmp_path, ["budget"]) == []
    with pytest.raises(FileNotFoundError, match=r"run python -m investiture\.chassis\.keys"):
        keys.signing_key(tmp_path, "budget")


def test_of_many_that_start_at_once_one_writes_and_all_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "issuer-1.jwk"

    def first(_: int) -> bool:
        return keys.write_once(path, keys.new_private("issuer-1"), keys.PRIVATE_MODE)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(first, range(32))) == 1
    assert keys.read(path)["kid"] == "issuer-1"
    assert list(tmp_path.iterdir()) == [path]


def test_the_highest_number_signs_not_the_last_by_name(tmp_path: Path) -> None:
    keys.write_missing(tmp_path, ["budget"])
    for _ in range(10):
        keys.rotate(tmp_path, "budget")
    assert keys.signing_key(tmp_path, "budget").stem == "budget-11"


def test_a_key_set_is_public_and_of_one_service_or_all(tmp_path: Path) -> None:
    keys.write_missing(tmp_path, ["budget", "launch"])
    keys.rotate(tmp_path, "launch")
    (tmp_path / "notes.jwk").write_text("{}")
    kids = [key["kid"] for key in keys.key_set(tmp_path)["keys"]]
    assert kids == ["budget-1", "launch-1", "launch-2"]
    launch = keys.key_set(tmp_path, "launch")["keys"]
    assert [key["kid"] for key in launch] == ["launch-1", "launch-2"]
    assert all("d" not in key for key in launch)


@pytest.mark.parametrize("content", ["{}", '{"kty": "oct", "k": "c2VjcmV0", "kid": "budget-1"}'])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "budget-1.jwk"
    path.write_text(content)
    with pytest.raises(ValueError, match="no Ed25519 JWK with kid budget-1"):
        keys.read(path)


def test_the_command_refuses_a_name_that_is_no_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keys.main([str(tmp_path), "../x"]) == 1
    assert "is no key id" in capsys.readouterr().err
    assert keys.main([str(tmp_path), "budget", "--rotate"]) == 0
    capsys.readouterr()
    assert keys.main([str(tmp_path), "--jwks"]) == 0
    assert [key["kid"] for key in json.loads(capsys.readouterr().out)["keys"]] == ["budget-1"]
    with pytest.raises(SystemExit):
        keys.main([str(tmp_path)])
    assert "name at least one service" in capsys.readouterr().err
