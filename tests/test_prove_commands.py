"""`jiaozi prove` and the silent check: from the issuer's folder to the holder, the auditor and the supervisor."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.cli import main
from jiaozi.ledger.numbers import account_text
from jiaozi.money import Fen, decimal_text
from jiaozi.proof import keys
from jiaozi.report.evenings import Evenings
from tests.proof.proof_vectors import ISSUER, KEYS, MASTER, checkpoint_of, signed, tree_of
from tests.proof.sampled import BALANCES, NOTE, RANDOM, TREE, key_of
from tests.world import COIN, found, order

Said = pytest.CaptureFixture[str]
SIGNERS = [word for key in KEYS for word in ("--key", key)]
SAMPLE = ["--random", RANDOM, "--share", "50", "--confidence", "75"]


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """An office as it is after its evening: a note, the balances it was made from, the master key."""
    folder = tmp_path / "office"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "keys").mkdir(mode=0o700)
    np.save(folder / "checkpoints" / "eyuan-000007.balances.npy", BALANCES)
    Evenings(folder / "checkpoints", lambda: MASTER).keep("eyuan", TREE, NOTE)
    master = folder / "keys" / "master.key"
    master.write_bytes(MASTER)
    master.chmod(0o600)
    return folder


def note_path(office: Path) -> Path:
    return office / "checkpoints" / "eyuan-000007.checkpoint"


def key_file(tmp_path: Path, account: int, said: Said, office: Path) -> Path:
    """Write the account key that the issuer's command prints to a file, as a wallet would."""
    assert main(["prove", "key", str(office), str(account)]) == 0
    printed = said.readouterr()
    assert "nobody else" in printed.err
    path = tmp_path / f"{account}.key"
    path.write_text(printed.out, "utf-8")
    path.chmod(0o600)
    return path


def test_no_key_is_printed_for_an_account_that_was_not_open_at_the_newest_checkpoint(
    tmp_path: Path, office: Path, capsys: Said
) -> None:
    assert main(["prove", "key", str(office), "12999"]) == 0
    capsys.readouterr()
    for account in ("13000", str(10**9)):
        assert main(["prove", "key", str(office), account]) == 1
        said = capsys.readouterr()
        assert "was not open at the newest checkpoint; close an evening after it was opened" in said.err
        assert said.out == ""
    (office / "checkpoints" / "other-000001.checkpoint").write_text("x", "utf-8")
    assert main(["prove", "key", str(office), "13000"]) == 1
    np.save(office / "checkpoints" / "other-000001.balances.npy", np.zeros(13_001, dtype=np.int64))
    assert main(["prove", "key", str(office), "13000"]) == 0
    assert main(["prove", "key", str(tmp_path / "nowhere"), "1"]) == 2
    assert "close an evening first" in capsys.readouterr().err


def bucket_file(tmp_path: Path, office: Path, said: Said, *which: str) -> Path:
    assert main(["prove", "bucket", str(office), *which]) == 0
    path = tmp_path / "bucket.json"
    path.write_text(said.readouterr().out, "utf-8")
    return path


def test_a_holder_checks_silently(
    tmp_path: Path, office: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_file(tmp_path, 4_097, capsys, office)
    assert key.read_text("utf-8").strip() == key_of(4_097).hex()
    file = bucket_file(tmp_path, office, capsys, "1")
    asked = ["verify", "--silent", str(file), "--account", account_text(4_097), "--key-file", str(key)]
    balance = ["--balance", decimal_text(int(BALANCES[4_097]))]
    assert main([*asked, *balance, *SIGNERS]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Holds: your ")
    assert "Not proven:" in said
    assert main([*asked, *balance]) == 3
    assert main([*asked, "--balance", "999999.99", *SIGNERS, "--json"]) == 1
    assert "your leaf is not in the bucket" in capsys.readouterr().out
    assert main([*asked, "--balance", "much"]) == 2
    typed = {decimal_text(int(BALANCES[4_097])): 0, "999999.99": 1, "": 2, "1" * 5_000: 2}
    for words, status in typed.items():
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{words}\n"))
        assert main([*asked, "--balance", "-", *SIGNERS]) == status
    assert main(asked) == 2
    assert "--silent needs" in capsys.readouterr().err
    assert main([*asked[:2], str(key), *asked[3:], *balance]) == 2
    key.chmod(0o644)
    assert main([*asked, *balance]) == 2
    assert "chmod 600" in capsys.readouterr().err


def test_a_wholesale_holder_gets_the_file_of_his_wholesale_bucket(
    tmp_path: Path, office: Path, capsys: Said
) -> None:
    key = key_file(tmp_path, 5_005, capsys, office)
    file = bucket_file(tmp_path, office, capsys, "--account", "5005")
    assert json.loads(file.read_text("utf-8"))["bucket"] == "4"
    asked = ["verify", "--silent", str(file), "--account", "5005", "--key-file", str(key)]
    assert main([*asked, "--balance", decimal_text(int(BALANCES[5_005])), *SIGNERS]) == 0
    assert "your wholesale bucket, 13 accounts" in capsys.readouterr().out


def test_verify_wants_either_a_proof_or_a_silent_check(capsys: Said) -> None:
    assert main(["verify"]) == 2
    assert main(["verify", "proof.json", "--silent", "bucket.json"]) == 2
    assert main(["verify", "proof.json", "--account", "7"]) == 2
    assert "name a proof file" in capsys.readouterr().err


def test_an_auditor_opens_what_was_drawn_and_states_it(tmp_path: Path, office: Path, capsys: Said) -> None:
    opened = tmp_path / "opened"
    assert main(["prove", "open", str(office), "--to", str(opened), *SAMPLE]) == 0
    assert "never publish" in capsys.readouterr().out
    assert opened.stat().st_mode & 0o777 == 0o700
    files = sorted(opened.iterdir())
    assert len(files) == 3
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert main(["prove", "open", str(office), "--to", str(opened), *SAMPLE]) == 2

    auditor = keys.create(tmp_path / "auditor.pem", "auditor.example")
    audit = ["prove", "audit", str(opened), "--checkpoint", str(note_path(office)), *SAMPLE]
    assert main(audit) == 3
    sign = ["--sign", str(tmp_path / "auditor.pem"), "--name", "auditor.example", "--to", str(tmp_path)]
    capsys.readouterr()
    assert main([*audit, *sign]) == 3
    assert not list(tmp_path.glob("*.audit.json"))
    capsys.readouterr()
    assert main([*audit, *SIGNERS, *sign, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    statement = tmp_path / "eyuan-000007.auditor.example.audit.json"
    assert (told["statement"], told["findings"]) == (str(statement), [])
    read = ["prove", "audit", "--statement", str(statement)]
    with_key = ["--key", auditor.verifier_key]
    assert main([*read, *with_key, "--checkpoint", str(note_path(office))]) == 0
    said = capsys.readouterr().out
    assert "auditor.example states about eyuan, epoch 7: holds." in said
    assert "0.833333" in said
    assert main([*read, *with_key]) == 3
    assert main(read) == 3
    assert main([*read, "--key", ISSUER.verifier_key]) == 1
    statement.write_text(statement.read_text("utf-8").replace('"holds"', '"does not hold"'), "utf-8")
    assert main([*read, *with_key, "--json"]) == 1
    statement.write_text("{}", "utf-8")
    assert main(read) == 2

    files[0].write_text(files[0].read_text("utf-8").replace('"balances":["', '"balances":["1'), "utf-8")
    capsys.readouterr()
    assert main([*audit, *SIGNERS]) == 1
    assert "do not add up" in capsys.readouterr().out
    files[0].unlink()
    assert main([*audit, *SIGNERS]) == 1
    assert "were not opened" in capsys.readouterr().out


def test_an_audit_of_no_accounts_or_of_too_many_is_answered(tmp_path: Path, capsys: Said) -> None:
    path, opened = tmp_path / "a.checkpoint", tmp_path / "opened"
    opened.mkdir()
    empty = tree_of(np.zeros(0, dtype=np.uint64))
    path.write_text(signed(replace(checkpoint_of(empty), total_fen=Fen(5), reserve_fen=Fen(5))), "utf-8")
    audit = ["prove", "audit", str(opened), "--checkpoint", str(path), *SAMPLE, *SIGNERS]
    assert main(audit) == 1
    assert "there are no accounts, so the total has to be 0" in capsys.readouterr().out
    path.write_text(signed(checkpoint_of(empty)), "utf-8")
    assert main(audit) == 0
    huge = replace(checkpoint_of(TREE), accounts=4 * 10**12, wholesale=10**12, depth=16)
    path.write_text(signed(huge), "utf-8")
    assert main(audit) == 2
    assert "244,140,625 wholesale buckets, which would all be opened" in capsys.readouterr().err


def test_the_supervisor_recomputes_and_signs_what_is_equal(
    tmp_path: Path, office: Path, capsys: Said
) -> None:
    path = note_path(office)
    recompute = ["prove", "recompute", "--checkpoint", str(path)]
    recompute += ["--balances", str(office / "checkpoints" / "eyuan-000007.balances.npy")]
    recompute += ["--master", str(office / "keys" / "master.key")]
    assert main([*recompute, *SIGNERS, "--share", "10"]) == 0
    assert capsys.readouterr().out.startswith("Equal.")
    keys.create(tmp_path / "second.pem", "second.example")
    sign = ["--sign", str(tmp_path / "second.pem"), "--name", "second.example"]
    assert main([*recompute, "--share", "30", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [told["equal"], told["countersigned"], "reserve_fen" in told["not_compared"]] == [
        False,
        False,
        True,
    ]
    # Balances alone say nothing of origin, law, reserve and what came before: nobody signs on them.
    assert main([*recompute, *sign]) == 2
    assert "use --journal" in capsys.readouterr().err
    assert path.read_text("utf-8") == NOTE
    balances = BALANCES.copy()
    balances[1] += 1
    np.save(office / "checkpoints" / "eyuan-000007.balances.npy", balances)
    assert main(recompute) == 1
    assert "NOT equal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--share", "0"], "whole percent"),
        (["--share", "x"], "whole percent"),
        (["--sign", "a.pem"], "belong together"),
        (["--key", "no key"], "verifier key"),
        (["--balances", "{office}/keys/master.key"], "not a .npy file"),
        (["--balances", "nowhere.npy"], "nowhere.npy"),
        (["--master", "{office}/checkpoints/eyuan-000007.checkpoint"], "chmod 600"),
        (["--checkpoint", "{office}/keys/master.key"], ""),
    ],
)
def test_recompute_says_what_it_cannot_read(office: Path, capsys: Said, words: list[str], said: str) -> None:
    given = [
        "prove",
        "recompute",
        "--checkpoint",
        str(note_path(office)),
        "--master",
        "{office}/keys/master.key",
    ]
    given += ["--balances", "{office}/checkpoints/eyuan-000007.balances.npy", *words]
    assert main([word.replace("{office}", str(office)) for word in given]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bucket", "{office}", "99"], 1, "bucket 99 is not one of the 5"),
        (["bucket", "{office}", "x"], 2, "no whole number"),
        (["bucket", "{office}", "--account", "13000"], 1, "account 13000"),
        (["bucket", "{office}", "--account", "x"], 2, "no account number"),
        (["bucket", "{office}", "1", "--epoch", "8"], 2, "the newest is 7"),
        (["bucket", "{office}", "1", "--coin", "other"], 2, "no checkpoint of other"),
        (["bucket", "{office}/keys", "1"], 2, "close an evening first"),
        (["key", "{office}", "1x"], 2, "no account number"),
        (["open", "{office}", "--to", "{office}/o", "--random", " x"], 2, "random value"),
        (["open", "{office}", "--to", "{office}/o", "--random", "x", "--share", "0"], 2, "no percentage"),
        (["open", "{office}", "--to", "{office}/o", "--random", "x", "--confidence", "100"], 2, "below 100"),
        (["audit", "{office}"], 2, "--random"),
        (["audit", "{office}", "--statement", "x"], 2, "leave the folder"),
        (["audit", "--statement", "{office}/nothing"], 2, "nothing"),
    ],
)
def test_what_is_not_understood_is_said(
    office: Path, capsys: Said, words: list[str], code: int, said: str
) -> None:
    assert main(["prove", *(word.replace("{office}", str(office)) for word in words)]) == code
    assert said in capsys.readouterr().err


def test_balances_that_are_not_those_of_the_checkpoint_give_no_file(office: Path, capsys: Said) -> None:
    np.save(office / "checkpoints" / "eyuan-000007.balances.npy", BALANCES + 1)
    assert main(["prove", "bucket", str(office), "1"]) == 1
    assert "not the balances from which bucket 1" in capsys.readouterr().err


def test_an_office_with_two_coins_asks_which(office: Path, capsys: Said) -> None:
    (office / "checkpoints" / "other-000001.checkpoint").write_text("x", "utf-8")
    assert main(["prove", "bucket", str(office), "1"]) == 2
    assert "--coin eyuan, --coin other" in capsys.readouterr().err
    assert main(["prove", "bucket", str(office), "1", "--coin", "eyuan"]) == 0


def test_the_whole_way_from_the_ledger(tmp_path: Path, capsys: Said) -> None:
    world = found(tmp_path / "office")
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    path = world.office.close_day(COIN).note_path
    account = world.holders["Distributor"]
    signers = ["--key", world.office.signer("issuer").verifier_key]
    world.office.close()
    office = tmp_path / "office"
    key = key_file(tmp_path, account, capsys, office)
    file = bucket_file(tmp_path, office, capsys, "--account", str(account))
    asked = ["verify", "--silent", str(file), "--account", str(account), "--key-file", str(key)]
    assert main([*asked, "--balance", "30,000,000.00", *signers]) == 0
    opened = ["--to", str(tmp_path / "opened"), "--random", RANDOM]
    assert main(["prove", "open", str(office), *opened, "--json"]) == 0
    audit = ["prove", "audit", str(tmp_path / "opened"), "--checkpoint", str(path), "--random", RANDOM]
    assert main([*audit, *signers]) == 0
    recompute = ["prove", "recompute", "--checkpoint", str(path), *signers]
    recompute += ["--master", str(office / "keys" / "master.key")]
    assert main([*recompute, "--balances", str(path.with_suffix(".balances.npy"))]) == 0
