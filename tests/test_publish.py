"""`jiaozi publish`: a site that is whole, says what the checkpoints say, and holds nobody's balance."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.errors import ProofError
from jiaozi.money import Fen, decimal_text, format_fen
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.auditing import openings, sampling
from jiaozi.proof.auditing.statement import statement_text
from jiaozi.proof.checkpoint import checkpoint_hash, parse
from jiaozi.report.publish import publish
from jiaozi.report.site import folder as places
from jiaozi.report.site.pages import LANGUAGES, _all_words
from tests.proof.evenings import evening, named, signed
from tests.proof.proof_vectors import ISSUER, KEYS, SUPERVISOR
from tests.publishing import FOUR, PAGES, WITNESS, Links, content, office_of, page
from tests.server.offices import lively
from tests.world import COIN, World

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]


@pytest.fixture
def office(tmp_path: Path) -> Path:
    return office_of(tmp_path / "office", FOUR)


@pytest.fixture
def site(tmp_path: Path, office: Path) -> Path:
    """The four evenings, published."""
    publish(office, tmp_path / "www" / "site", "eyuan")
    return tmp_path / "www" / "site"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An office in which something of everything has happened, closed on two evenings, the second one audited."""
    world = lively(tmp_path_factory.mktemp("lively"))
    for _ in range(2):
        world.office.close_day(COIN)
        world.clock.advance(24 * 60 * 60)
    yield world
    world.office.close()


def test_the_site_has_every_checkpoint_the_figures_and_the_means_to_check(site: Path) -> None:
    names = set(content(site))
    assert names >= {f"checkpoints/{name}" for name, _ in named(FOUR)}
    assert names >= {"index.html", "index.zh.html", "disclosure.json", "keys.txt", "SHA256SUMS"}
    assert names >= {"verify_jiaozi.py", "verify.html", "publication.json", "checkpoints/latest"}
    assert (site / "checkpoints" / "latest").read_text("utf-8") == FOUR[3]
    assert (site / "verify_jiaozi.py").read_bytes() == Path(verify_jiaozi.__file__).read_bytes()
    assert set(KEYS) <= set((site / "keys.txt").read_text("utf-8").splitlines())


def test_the_pages_say_what_the_checkpoint_says_in_both_languages(site: Path) -> None:
    stated = parse(FOUR[3])
    for language in LANGUAGES:
        text = page(site, "index", language)
        assert format_fen(stated.total_fen) in text
        assert format_fen(stated.reserve_fen) in text
        assert checkpoint_hash(FOUR[3]).hex() in text
        assert f"{stated.reserve_fen * 100 // stated.total_fen}." in text
        assert ISSUER.name in text
        assert SUPERVISOR.name in text
        for note in FOUR:
            assert checkpoint_hash(note).hex() in page(site, "checkpoints/index", language)
    assert "5 February 2027 20:00:00 UTC+08:00" in page(site, "index")
    assert "2027年2月5日 20:00:00 UTC+08:00" in page(site, "index", "zh")
    assert "DRAFT" not in page(site, "index")


def test_the_disclosure_has_date_and_source_and_exact_money(site: Path) -> None:
    data = json.loads((site / "disclosure.json").read_text("utf-8"))
    stated = parse(FOUR[3])
    assert data["coins_outstanding"] == {
        "value": decimal_text(stated.total_fen),
        "date": "2027-02-05T20:00:00+08:00",
        "source": "checkpoint 4, checkpoints/eyuan-000004.checkpoint, line total",
    }
    assert data["reserve"]["value"] == decimal_text(stated.reserve_fen)
    assert data["law_digest"]["value"] == stated.law_digest.hex()
    assert [day["epoch"] for day in data["checkpoints"]] == [1, 2, 3, 4]
    assert [each["key"] for each in data["signed_by"]] == KEYS


def test_a_shortfall_a_draft_and_a_coin_without_coins_are_said_in_plain_words(tmp_path: Path) -> None:
    short = signed(evening(1, reserve_fen=Fen(1), law_is_draft=True))
    publish(office_of(tmp_path / "short", [short]), tmp_path / "a", "eyuan")
    text = page(tmp_path / "a", "index")
    assert "does not cover every coin" in text
    assert format_fen(parse(short).total_fen - 1, "CNY") in text
    assert "draft that nobody has enacted" in text
    assert "草案" in page(tmp_path / "a", "index", "zh")
    none = signed(evening(1, total_fen=Fen(0), reserve_fen=Fen(0)))
    publish(office_of(tmp_path / "none", [none]), tmp_path / "b", "eyuan")
    assert "No coins" in page(tmp_path / "b", "index")
    assert (
        json.loads((tmp_path / "b" / "disclosure.json").read_text("utf-8"))["coverage_percent"]["value"]
        is None
    )


def test_what_a_checkpoint_says_is_text_on_a_page_and_nothing_else(tmp_path: Path) -> None:
    note = signed(evening(1, reserve_source="<script>alert(1)</script>{{ 7*7 }}"))
    publish(office_of(tmp_path / "office", [note]), tmp_path / "www", "eyuan")
    for name in ("index", "disclosure"):
        text = page(tmp_path / "www", name)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in text
        assert "<script" not in text


def test_links_are_relative_and_lead_to_a_file_of_the_site(site: Path) -> None:
    for name in PAGES:
        for language in LANGUAGES:
            path = site / f"{name}{'' if language == 'en' else '.zh'}.html"
            found = Links(path.read_text("utf-8"))
            for link in found.links:
                if link.startswith(("#", "data:image/")):
                    continue
                assert not re.match(r"[a-z]+:|/", link), link
                target = (path.parent / link).resolve()
                assert target.is_file(), f"{path.name} names {link}"
                assert site in target.parents


def test_no_page_but_the_verifier_has_a_script(site: Path) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        if path.name == "verify.html":
            continue
        found = Links(text)
        assert not {"script", "iframe", "object", "form", "img", "base"} & set(found.tags)
        assert not [name for name in found.attributes if name.startswith("on") or name == "style"]
        assert "default-src 'none'" in unescape(text)


def test_every_word_has_both_languages_and_is_used(site: Path) -> None:
    room = Path(places.__file__).parent
    source = "".join(path.read_text("utf-8") for path in [*room.rglob("*.html"), *room.glob("*.py")])
    for key, words in _all_words().items():
        assert set(words) == set(LANGUAGES), key
        name = key.split(".")[1]
        assert re.search(f"""['"](?:{re.escape(key)}|{name})['"]""", source) or key.startswith("keys."), key
    for name in PAGES:
        assert re.search("[一-龥]{20}", re.sub("[，。、；：]", "", page(site, name, "zh")))


def test_the_sums_are_right_for_every_file(site: Path) -> None:
    lines = (site / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    found = content(site)
    del found["SHA256SUMS"]
    assert listed == {path: hashlib.sha256(data).hexdigest() for path, data in found.items()}


def sampled(world: World, public_random: str = "a draw of 17 December 2026") -> tuple[str, str]:
    """Return the statement of an audit of the office's newest checkpoint, and one of its openings."""
    epoch = world.office.ledger.state.register.coin(COIN).epoch
    kept, note = world.office.evenings.open(COIN, epoch), world.office.evenings.note(COIN, epoch)
    share = confidence = Fraction(1, 2)
    numbers = sampling.draw(note, public_random, sampling.sample_size(share, confidence))
    opened = [openings.opening_text(kept.tree, kept.balances, number, note) for number in numbers]
    seen = openings.audit(
        [("opening", text.encode()) for text in opened],
        note,
        public_random=public_random,
        share=share,
        confidence=confidence,
    )
    return statement_text(seen, WITNESS), opened[0]


def test_statements_of_audits_are_published_and_openings_never(tmp_path: Path, world: World) -> None:
    folder = tmp_path / "office"
    kept = world.office.folder / "checkpoints"
    shutil.copytree(kept, folder / "checkpoints", ignore=shutil.ignore_patterns("audits"))
    shutil.copytree(world.office.folder / "keys", folder / "keys")
    audits = folder / "checkpoints" / "audits"
    audits.mkdir()
    text, opening = sampled(world)
    (audits / "bucket-000000.opening.json").write_text(opening, "utf-8")
    (audits / "ehkd-000002.witness.example.audit.json").write_text(opening, "utf-8")
    statement = audits / f"{COIN}-000002.witness.example.audit.json"
    statement.write_text(text, "utf-8")
    site = tmp_path / "www"
    assert publish(folder, site, COIN).audits == 1
    assert [path.name for path in (site / "audit").iterdir()] == [statement.name]
    assert f'href="audit/{statement.name}"' in page(site, "index")
    assert "witness.example on checkpoint 2: 1 of its buckets opened" in page(site, "index")
    before = content(site)
    of_another = text.replace('"epoch":"2"', '"epoch":"7"')
    of_the_one_before = text.replace('"epoch":"2"', '"epoch":"1"')
    more = f'{text[:-2]},"balances":["1"]}}\n'
    for wrong in (opening, of_another, of_the_one_before, more, "[" * 100_000, "[]", ""):
        statement.write_text(wrong, "utf-8")
        with pytest.raises(ProofError, match=statement.name):
            publish(folder, site, COIN)
    statement.unlink()
    statement.symlink_to(folder / "keys" / "issuer.pem")
    with pytest.raises(ProofError, match="no plain file"):
        publish(folder, site, COIN)
    assert content(site) == before


def test_the_command_says_what_it_did_and_asks_which_coin(
    tmp_path: Path, office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["publish", str(tmp_path / "www"), "--folder", str(office)]
    assert main(words) == 0
    assert "published eyuan up to checkpoint 4" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 0
    (office / "checkpoints" / "ehkd-000001.checkpoint").write_text("x", "utf-8")
    assert main(words) == 2
    assert "--coin: ehkd, eyuan" in capsys.readouterr().err
    assert main([*words, "--coin", "eyuan"]) == 0
    assert main([*words, "--coin", "none"]) == 2
    assert main(["publish", str(tmp_path / "x"), "--folder", str(tmp_path / "nowhere")]) == 2
    assert not (tmp_path / "nowhere").exists()


def test_no_balance_no_name_and_no_secret_of_an_office_is_in_its_publication(
    tmp_path: Path, world: World
) -> None:
    office = world.office
    audits = office.folder / "checkpoints" / "audits"
    audits.mkdir()
    (audits / f"{COIN}-000002.witness.example.audit.json").write_text(sampled(world)[0], "utf-8")
    assert publish(office.folder, tmp_path / "www", COIN).audits == 1
    files = content(tmp_path / "www")
    balances = {world.balance(name) for name in world.holders} - {0}
    assert len(balances) >= 2
    secrets = [office.master, office.master.hex().encode()]
    for role in ("issuer", "supervisor"):
        key = office.signer(role).private_key.private_bytes_raw()
        pem = (office.folder / "keys" / f"{role}.pem").read_bytes().split(b"\n")[1]
        secrets += [key, key.hex().encode(), pem]
    for path, data in files.items():
        for fen in balances:
            for text in (str(fen), decimal_text(fen), format_fen(fen)):
                assert not re.search(
                    rb"(?<![0-9a-f.,])" + re.escape(text.encode()) + rb"(?![0-9a-f])", data
                ), path
        for name in world.holders:
            assert not re.search(rb"(?<![\w+/])" + name.encode() + rb"(?![\w+/])", data), path
        for secret in secrets:
            assert secret not in data, path
        assert b"PRIVATE" not in data, path


def test_a_holders_proof_holds_with_nothing_but_the_publication(tmp_path: Path, world: World) -> None:
    publish(world.office.folder, tmp_path / "www", COIN)
    proof = tmp_path / "proof.json"
    proof.write_text(world.office.proof(COIN, world.holders["Li"]), "utf-8")
    keys = [line for line in (tmp_path / "www" / "keys.txt").read_text("utf-8").splitlines() if "+" in line]
    words = [sys.executable, "-I", str(tmp_path / "www" / "verify_jiaozi.py"), str(proof)]
    done = subprocess.run(
        [*words, *(word for key in keys for word in ("--key", key))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    newest = json.loads((tmp_path / "www" / "disclosure.json").read_text("utf-8"))
    assert newest["sha256"] in done.stdout
    assert main(["checkpoint", "audit", str(tmp_path / "www"), "--key", keys[0], "--key", keys[1]]) == 0


@pytest.mark.browser
def test_the_pages_open_from_a_disk_in_a_browser_with_their_style_and_ask_for_nothing(site: Path) -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        tab = browser.new_page(viewport={"width": 360, "height": 800})
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((site / "index.html").as_uri())
        for _ in PAGES:
            for language in ("简体中文", "English"):
                tab.get_by_role("link", name=language, exact=True).click()
                assert tab.evaluate("getComputedStyle(document.querySelector('main')).display") == "flex"
                assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab.url
            tab.locator("nav a[aria-current] >> xpath=../following-sibling::li[1]/a").click()
        assert tab.url == (site / "verify.html").as_uri()
        browser.close()
    pages = [url for url in asked if not url.startswith("data:")]
    assert all(url.startswith(site.as_uri()) and url.endswith(".html") for url in pages)
    assert not complaints
