"""Transfer through a folder, back-off, and the choice by address."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterbay.community.cycle.transfer import (
    DirectoryTransfer,
    ObjectTransfer,
    Patience,
    Route,
    TransferError,
    WebhookTransfer,
    digest_of,
    open_transfer,
    try_again,
)
from afterbay.core.errors import InvalidInputError


def test_a_file_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    transfer = DirectoryTransfer(tmp_path / "made" / "on the way")
    content = bytes(range(256)) * 100

    receipt = transfer.send("users_input_latest.csv", content)

    assert (receipt.size, receipt.sha256) == (len(content), digest_of(content))
    assert transfer.find("users_input_latest.csv") == len(content)
    assert transfer.fetch("users_input_latest.csv", receipt) == content


def test_nothing_but_the_whole_file_is_ever_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = DirectoryTransfer(tmp_path)
    transfer.send("a.csv", b"old")
    seen: list[list[str]] = []
    replace = Path.replace

    def looking(self: Path, target: Path) -> Path:
        seen.append(sorted(path.name for path in tmp_path.glob("[!.]*")))
        assert (tmp_path / "a.csv").read_bytes() == b"old"
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", looking)
    transfer.send("a.csv", b"new")

    assert seen == [["a.csv"]]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = DirectoryTransfer(tmp_path)
    transfer.send("a.csv", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TransferError, match="No space left"):
        transfer.send("a.csv", b"new")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.csv", b"old")]


def test_a_disk_that_changes_bytes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda self: b"xxx")

    with pytest.raises(TransferError, match="another checksum"):
        DirectoryTransfer(tmp_path).send("a.csv", b"abc")

    assert list(tmp_path.iterdir()) == []


def test_a_checksum_that_the_worker_wrote_is_compared(tmp_path: Path) -> None:
    transfer = DirectoryTransfer(tmp_path)
    transfer.send("results.csv", b"whole")
    (tmp_path / "results.csv.sha256").write_text(f"{digest_of(b'whole')}  results.csv\n")
    assert transfer.fetch("results.csv") == b"whole"

    (tmp_path / "results.csv").write_bytes(b"who")
    with pytest.raises(TransferError, match="checksum"):
        transfer.fetch("results.csv")


def test_removing_takes_the_checksum_along_and_does_not_mind_nothing(tmp_path: Path) -> None:
    transfer = DirectoryTransfer(tmp_path)
    transfer.send("results.csv", b"x")
    (tmp_path / "results.csv.sha256").write_text("x")

    transfer.remove("results.csv")
    transfer.remove("results.csv")

    assert list(tmp_path.iterdir()) == []
    assert transfer.find("results.csv") is None


@pytest.mark.parametrize("name", ["../a.csv", "a/b.csv", "", ".hidden", "a..b", "a\\b", "a\n"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    transfer = DirectoryTransfer(tmp_path)

    for attempt in (lambda: transfer.send(name, b""), lambda: transfer.fetch(name), lambda: transfer.remove(name)):
        with pytest.raises(TransferError, match="no plain file name"):
            attempt()


def test_what_is_not_there_may_come(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="cannot be read") as caught:
        DirectoryTransfer(tmp_path).fetch("results.csv")

    assert caught.value.passing


def test_a_file_in_place_of_the_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")

    with pytest.raises(TransferError, match="cannot be written"):
        DirectoryTransfer(tmp_path / "taken").send("a.csv", b"")


@given(
    failures=st.integers(min_value=1, max_value=2000),
    chance=st.floats(0.0, 1.0),
    first_s=st.floats(0.0, 1e6),
    most_s=st.floats(0.0, 1e6),
    jitter=st.floats(0.0, 1.0),
)
def test_no_wait_is_longer_than_the_longest_or_shorter_than_its_jitter(
    failures: int, chance: float, first_s: float, most_s: float, jitter: float
) -> None:
    patience = Patience(first_s=first_s, most_s=most_s, jitter=jitter)

    full = min(first_s * 2.0 ** min(failures - 1, 60), most_s)
    assert full * (1.0 - jitter) * (1.0 - 1e-12) <= patience.wait_s(failures, chance) <= full


@given(fails=st.integers(0, 8), attempts=st.integers(1, 6))
def test_it_is_tried_until_it_goes_well_or_patience_ends(fails: int, attempts: int) -> None:
    left, waits, told = [fails], list[float](), list[int]()

    def action() -> str:
        if left[0]:
            left[0] -= 1
            raise TransferError("not yet")
        return "done"

    def go() -> int:
        return try_again(
            action, Patience(attempts), sleep=waits.append, random=lambda: 1.0, failed=lambda n, _: told.append(n)
        ).attempts

    if fails < attempts:
        assert go() == fails + 1
        assert len(waits) == fails
    else:
        with pytest.raises(TransferError):
            go()
        assert len(waits) == attempts - 1
    assert told == list(range(1, min(fails, attempts) + 1))


def test_other_errors_are_not_tried_again() -> None:
    def broken() -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError):
        try_again(broken, Patience(), sleep=lambda _: pytest.fail("waited"), random=lambda: 0.0)


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"attempts": True}, {"first_s": -1.0}, {"most_s": float("nan")}, {"jitter": 1.5}]
)
def test_impatience_of_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        Patience(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "kind", "worker"),
    [
        ("exchange", DirectoryTransfer, "local"),
        ("C:/exchange", DirectoryTransfer, "local"),
        ("file:///mnt/drive%20a", DirectoryTransfer, "local"),
        ("https://example.org/simulate", WebhookTransfer, "remote"),
        ("s3://bucket/folder", ObjectTransfer, "local"),
        ("gs://bucket", ObjectTransfer, "local"),
    ],
)
def test_the_address_chooses_the_transfer(url: str, kind: type, worker: str) -> None:
    transfer = open_transfer(Route(url))

    assert isinstance(transfer, kind)
    assert transfer.worker == worker


def test_a_relative_folder_starts_at_the_base_and_a_url_is_unquoted(tmp_path: Path) -> None:
    assert open_transfer(Route("exchange"), base=tmp_path) == DirectoryTransfer(tmp_path / "exchange")
    assert open_transfer(Route("file:///mnt/drive%20a")) == DirectoryTransfer(Path("/mnt/drive a"))
    assert open_transfer(Route("file:///C:/a")) == DirectoryTransfer(Path("C:/a"))


@pytest.mark.parametrize("url", ["ftp://a/b", "", "gdrive://x", "file://server/share", "http://example.org/x", "s3://"])
def test_an_address_without_a_transfer_is_refused_with_what_there_is(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"transfer\.url"):
        open_transfer(Route(url))
