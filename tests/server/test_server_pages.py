"""Every page in both languages, over a real office."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jiaozi.server
from jiaozi.issuer.store import Redemption
from jiaozi.ledger.numbers import account_text
from jiaozi.people.parties import Party
from jiaozi.proof import verify_jiaozi
from jiaozi.server.app import create_app
from jiaozi.server.assets import FOLDER
from tests.server.asking import Client
from tests.server.offices import COURT_ORDER, EVIL, issue
from tests.world import COIN, World, found

PAGES = {
    "/": {"en": "Coins in circulation", "zh": "流通中代币"},
    f"/coins/{COIN}": {"en": "Reserve assets", "zh": "储备资产"},
    "/holders": {"en": "Account number or name", "zh": "账号或名称"},
    "/holders/6": {"en": "Limits that apply", "zh": "适用限额"},
    "/law": {"en": "Days on which something changes", "zh": "规则变更日"},
    "/law?day=2027-01-01": {"en": "The law on 1 Jan 2027", "zh": "2027年1月1日 适用的法规"},
    "/law/compare": {"en": "Who may issue", "zh": "谁可发行"},
    "/law/compare?day=2024-01-01": {
        "en": "Places side by side on 1 Jan 2024",
        "zh": "2024年1月1日 各地法律对照",
    },
    "/law/timeline": {"en": "Who moved when", "zh": "各地进程时间表"},
    "/queue": {"en": "Unmatched bank entries", "zh": "待匹配银行流水"},
    f"/checkpoints/{COIN}": {"en": "No checkpoint has been signed yet", "zh": "尚未签署存证"},
}


def text_of(html: str) -> str:
    """Return the words of a page without its tags, with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def path_of(world: World, holder: str) -> str:
    return "/holders/" + account_text(world.holders[holder]).replace(" ", "")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_in_both_languages(client: Client, path: str, language: str) -> None:
    answer = client.get(path, headers={"accept-language": f"{language},fr;q=0.9"})
    assert answer.status_code == 200
    assert PAGES[path][language] in text_of(answer.text)
    assert f'<html lang="{"zh-Hans" if language == "zh" else "en"}">' in answer.text
    assert {"en": "Draft law.", "zh": "草案。"}[language] in answer.text
    assert {"en": "Invented people.", "zh": "人物均为虚构。"}[language] in answer.text
    assert {"en": "Not legal advice", "zh": "不构成法律意见"}[language] in answer.text


def test_htmx_may_do_nothing_that_the_policy_forbids() -> None:
    """Code in attributes needs eval; the settings turn off what would put styles in, and other extensions."""
    templates = Path(jiaozi.server.__file__).parent / "templates"
    html = "\n".join(path.read_text(encoding="utf-8") for path in templates.glob("*.html"))
    assert not re.search(r"""hx-on|hx-[\w:]+=["'](js|javascript):|hx-trigger="[^"]*\[""", html)
    found = re.search(r"htmx-config\" content='(.+?)'", html)
    assert found
    settings = json.loads(found[1])
    assert settings["includeIndicatorCSS"] is False
    assert settings["extensions"] == "sse"


def test_the_files_from_elsewhere_are_the_ones_in_the_list() -> None:
    """Each stands in static/README.md with its digest, and its licence beside it."""
    rows = re.findall(
        r"^\| `([\w.-]+)` \|.*\(`([\w.]+)`\).*`([0-9a-f]{64})` \|$",
        (FOLDER / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert {name for name, _, _ in rows} == {"htmx.js", "hx-sse.js", "uplot.js", "uplot.css"}
    for name, licence, digest in rows:
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name
        assert (FOLDER / licence).is_file()


@pytest.mark.parametrize("path", [*PAGES, "/holders?q=nobody", "/nothing"])
def test_every_page_can_be_walked_with_a_keyboard_and_a_screen_reader(client: Client, path: str) -> None:
    html = client.get(path).text
    assert html.count("<h1>") == 1
    assert '<a class="skip" href="#content">' in html
    assert '<main id="content"' in html
    assert html.count("<thead>") <= len(re.findall(r'<th scope="col"', html))
    assert not re.search(r"<th(?![^>]*scope)[ >]", html)
    assert not re.search(r'\sstyle="|<style|<script(?![^>]*src=)|\son\w+="', html), "the policy forbids it"
    assert re.findall(r"<table", html) == [] or 'scope="row"' in html


def test_the_overview_adds_up(client: Client) -> None:
    text = text_of(client.get("/").text)
    assert "Coins in circulation 4,800.00 CNY" in text
    assert "Reserve assets 5,075.00 CNY" in text
    assert "Coverage 105.72%" in text  # 5,075 / 4,800 = 105.729…, rounded down
    assert "Every coin is covered" in text
    assert "Issued 5,000.00" in text
    assert "Redeemed 200.00" in text
    assert "Payments accepted 1 " in text
    assert "Received, unmatched 75.00" in text
    assert "Both sides are equal." in text


def test_a_refusal_is_shown_with_its_title_and_article(client: Client) -> None:
    text = text_of(client.get("/").text)
    assert "Not met: the payment stays within the cap on one payment" in text
    assert "sh-pilot art 7(1)" in text
    assert "the payer's account is frozen by order" in text.replace("&#39;", "'")
    assert "ledger rule" in text


def test_the_language_of_the_query_is_kept_in_a_cookie(client: Client) -> None:
    answer = client.get("/?lang=zh", headers={"accept-language": "en"})
    assert "储备资产" in answer.text
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "储备资产" in client.get("/", headers={"accept-language": "en"}).text
    assert "Reserve assets" in client.get("/?lang=en").text


def test_the_switch_of_language_keeps_the_query_and_the_page(client: Client) -> None:
    html = client.get("/holders?q=Li").text
    assert 'href="?q=Li&amp;lang=zh"' in html


def test_an_accept_language_header_is_read_by_its_weights(client: Client) -> None:
    for header, tag in [
        ("en;q=0.5, zh-CN;q=0.9", "zh-Hans"),
        ("zh;q=0.1, en;q=0.2", "en"),
        ("fr", "en"),
        ("zh-TW", "zh-Hans"),
        ("en;q=x", "en"),
        ("", "en"),
    ]:
        answer = client.get("/holders", headers={"accept-language": header})
        assert answer.headers["content-language"] == tag, header


def test_a_holder_shows_what_he_paid_beside_his_limits(client: Client, world: World) -> None:
    text = text_of(client.get(path_of(world, "Li")).text)
    assert "0000 0000 0680" in text
    assert "3,879.50 CNY" in text
    assert "120.50 / 5,000.00" in text
    assert "120.50 / 50,000.00" in text
    assert "3,879.50 / 10,000.00" in text
    assert "sh-pilot art 7(3)" in text
    assert "tier 4" in text


def test_the_sums_of_yesterday_do_not_count_today(client: Client, world: World) -> None:
    world.clock.advance(24 * 60 * 60)
    text = text_of(client.get(path_of(world, "Li")).text)
    assert "0.00 / 5,000.00" in text
    assert "120.50 / 50,000.00" in text
    world.clock.advance(20 * 24 * 60 * 60)
    assert "0.00 / 50,000.00" in text_of(client.get(path_of(world, "Li")).text)


def test_a_holder_without_a_limit_is_told_so(client: Client, world: World) -> None:
    assert "no limit" in text_of(client.get(path_of(world, "Tea house")).text)


def test_a_frozen_account_says_in_words_what_may_still_be_done(client: Client, world: World) -> None:
    wang = text_of(client.get(path_of(world, "Wang")).text)
    assert f"{COURT_ORDER} Pudong court No payments out, no redemption. It may still be paid." in wang
    assert "may not pay · may be paid" in wang
    zhao = text_of(client.get(path_of(world, "Zhao")).text)
    assert "only while 300.00 CNY stay. It may not be paid either." in zhao
    assert "余额须保留 300.00 CNY" in client.get(path_of(world, "Zhao") + "?lang=zh").text


def test_the_transfers_of_a_holder_name_reason_and_article(client: Client, world: World) -> None:
    text = text_of(client.get(path_of(world, "Li")).text)
    assert "refused by law Not met: the payment stays within the cap on one payment sh-pilot art 7(1)" in text
    assert "−120.50" in text
    assert "Received, coins not issued yet" in text, "the issuer's sheet is called by its name"


def test_an_account_of_the_issuer_says_that_it_is_nobodys(client: Client) -> None:
    assert "belongs to no holder" in client.get("/holders/1").text


def test_the_search_finds_by_name_and_leads_to_a_whole_number(client: Client, world: World) -> None:
    assert "Tea house" in client.get("/holders?q=house").text
    answer = client.get(f"/holders?q={account_text(world.holders['Li'])}")
    assert answer.status_code == 303
    assert answer.headers["location"] == path_of(world, "Li")
    assert "Li" in text_of(client.get(f"/holders?q={world.holders['Li']}").text)
    assert "No holder matches" in client.get("/holders?q=%E6%9C%AA%E7%9F%A5").text


def test_a_search_that_is_typed_is_answered_with_the_list_only(client: Client, world: World) -> None:
    typed = {"hx-request-type": "partial", "accept-language": "en"}
    answer = client.get("/holders?q=house", typed)
    assert "<html" not in answer.text
    assert "Tea house" in answer.text
    assert 'href="?q=house&amp;lang=zh"' in answer.text, "the switch of language follows"
    assert "hx-request-type" in answer.headers["vary"]
    whole = client.get(f"/holders?q={account_text(world.holders['Li'])}", typed)
    assert whole.status_code == 200
    assert path_of(world, "Li") in whole.text
    assert whole.headers["hx-replace-url"] == "false", "or the step back would lead forward again"


def test_a_number_that_is_not_finished_is_no_mistake_yet(client: Client) -> None:
    typed = {"hx-request-type": "partial"}
    unfinished = client.get("/holders?q=99999", typed)
    assert 'class="muted">No account “99999”' in unfinished.text
    assert 'class="bad">No account “99999”' in client.get("/holders?q=99999").text
    assert 'class="bad">The check digits' in client.get("/holders?q=000000000681", typed).text
    long = client.get("/holders?q=" + "x" * 5_000, typed)
    assert long.status_code == 400
    assert "<html" not in long.text
    assert "too long" in long.text


def test_a_name_with_html_in_it_is_only_a_name(client: Client, world: World) -> None:
    world.office.parties.add([Party(999, EVIL), Party(998, "Zhang & <b>")])
    for path in ("/holders", f"/holders?q={EVIL}", "/queue"):
        html = client.get(path).text
        assert EVIL not in html
        assert "&lt;script&gt;" in html


def test_the_queue_says_why_an_entry_matched_nothing(client: Client) -> None:
    assert "quotes no reference" in client.get("/queue?lang=en").text
    chinese = client.get("/queue?lang=zh").text
    assert "未注明订单编号" in chinese
    assert "货款 &amp; more" in chinese
    assert "待到账" in chinese


def test_a_deadline_that_passed_is_said_in_words(client: Client, world: World) -> None:
    assert "Deadline passed" not in client.get("/queue").text
    world.clock.advance(2 * 24 * 60 * 60)
    assert "Deadline passed" in client.get("/queue").text
    assert "1 笔已逾期" in client.get("/queue?lang=zh").text
    store = world.office.store
    store.add_redemption(Redemption("JZ-R-2026-000099", COIN, 6, 1_00, 0, "2026-01-01", "d", "paid"))
    assert "1 past their deadline" in client.get("/queue?lang=en").text


def test_the_law_of_a_day_is_the_law_of_that_day(client: Client) -> None:
    assert "cn.virtual_currency_2021" in client.get("/law?day=2022-01-01").text
    html = client.get("/law?day=2026-12-15").text
    assert 'id="cn-sh.pay"' in html
    assert 'href="/law?day=2028-12-01"' in html
    assert '<input id="day" name="day" type="date" value="2026-12-15"' in html


def test_a_rule_that_begins_on_a_day_is_shown_on_it(client: Client) -> None:
    assert 'id="cn-sh.pay"' in client.get("/law?day=2026-12-01").text
    assert 'id="cn-sh.pay"' not in client.get("/law?day=2026-11-30").text


def test_looking_makes_no_keys_and_writes_nothing(client: Client, world: World) -> None:
    before = sorted(path.name for path in world.office.folder.rglob("*"))
    for path in (*PAGES, path_of(world, "Li") + "/proof", "/api/overview", "/api/queue"):
        client.get(path)
    assert sorted(path.name for path in world.office.folder.rglob("*")) == before
    assert not (world.office.folder / "keys").exists()


def test_a_proof_before_the_first_checkpoint_is_not_there_and_says_when(client: Client, world: World) -> None:
    answer = client.get(path_of(world, "Li") + "/proof")
    assert answer.status_code == 404
    assert "first evening" in text_of(answer.text)


def test_a_proof_and_the_verifier_from_the_pages_hold_together(
    client: Client, world: World, tmp_path: Path
) -> None:
    world.office.close_day(COIN)
    page = client.get(f"/checkpoints/{COIN}").text
    assert "jiaozi.example/issuer" in page
    assert "jiaozi.example/supervisor" in page
    note = client.get(f"/checkpoints/{COIN}/1")
    assert note.headers["content-disposition"] == f'attachment; filename="{COIN}-000001.checkpoint"'
    proof = client.get(path_of(world, "Li") + "/proof")
    assert proof.headers["content-disposition"].startswith("attachment; filename=")
    assert proof.json()["balance"] == "387950"
    assert proof.json()["checkpoint"] == note.text
    verifier = client.get("/verify_jiaozi.py")
    assert verifier.content == Path(verify_jiaozi.__file__).read_bytes()
    (tmp_path / "proof.json").write_bytes(proof.content)
    (tmp_path / "verify_jiaozi.py").write_bytes(verifier.content)
    keys = [
        word
        for role in ("issuer", "supervisor")
        for word in ("--key", world.office.signer(role).verifier_key)
    ]
    command = [sys.executable, "verify_jiaozi.py", "proof.json", *keys]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0


def test_the_page_that_verifies_is_served_as_it_is_tested_and_may_talk_to_nobody(client: Client) -> None:
    answer = client.get("/verify.html")
    assert answer.content == Path(verify_jiaozi.__file__).with_name("verify.html").read_bytes()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in policy
    assert answer.headers["x-frame-options"] == "DENY"


def test_an_account_opened_after_the_checkpoint_has_no_proof_yet(client: Client, world: World) -> None:
    from jiaozi.ledger.records import openings

    world.office.close_day(COIN)
    words = world.office.book.vocabulary
    opened = openings(1)
    opened["zone"], opened["kind"] = words.place_codes["cn-sh"], 1
    late = world.office.ledger.open_accounts(opened)
    answer = client.get(f"/holders/{late}/proof")
    assert answer.status_code == 404
    assert "opened later" in text_of(answer.text)
    assert "no name on file" in client.get(f"/holders/{late}").text


def test_a_shortfall_is_said_in_words(client: Client, world: World) -> None:
    from jiaozi.issuer.sheet import Leg, chain
    from jiaozi.ledger.records import BOOK

    ledger = world.office.ledger
    sheet = ledger.state.register.coin(COIN).sheet
    assert sheet is not None
    leg = Leg(("gone",), sheet.unmatched, sheet.reserve, 1_000_00, BOOK)
    assert ledger.post(chain([leg], 1)).created
    text = text_of(client.get("/").text)
    assert "Coverage 84.89%" in text
    assert "Short by 725.00 CNY" in text


def test_a_new_office_has_pages_too(tmp_path: Path) -> None:
    from jiaozi.office import Office

    with Office.open(tmp_path) as office:
        client = Client(create_app(office), "http://localhost")
        for path in ("/", "/holders", "/law", "/queue", "/checkpoints", "/api/overview", "/api/queue"):
            assert client.get(path).status_code == 200, path
        assert client.get("/holders/1").status_code == 404
        assert client.get("/holders?q=1").status_code == 200


def test_a_coin_without_payments_has_a_page(tmp_path: Path) -> None:
    world = found(tmp_path)
    with world.office as office:
        text = text_of(Client(create_app(office), "http://localhost").get("/").text)
        assert "No coins in circulation" in text
        assert "No payments yet." in text
        assert "Nothing has been refused." in text


def test_figures_are_counted_once_for_everybody_and_again_when_the_journal_moves(
    client: Client, world: World
) -> None:
    counted = 0
    count = world.office.overview

    def counting(coin: str) -> object:
        nonlocal counted
        counted += 1
        return count(coin)

    world.office.overview = counting  # type: ignore[assignment,method-assign]
    for _ in range(3):
        client.get("/")
        client.get("/api/overview")
    assert counted == 1
    issue(world, "Li", 1_00, "third")
    assert client.get("/api/overview").json()["coins"][0]["outstanding"] == "4801.00"
    assert counted == 2


def test_a_transfer_of_another_law_is_not_named_by_this_one(client: Client, world: World) -> None:
    from jiaozi.rulebook.reading.read import read_folder

    world.office.enact(read_folder(drafts=[]))
    text = text_of(client.get(path_of(world, "Li") + "?lang=en").text)
    assert "decided under an earlier law" in text
    assert "the payment stays within the cap" not in text
    assert "Draft law." not in text


def test_money_is_never_a_number_in_json(client: Client, world: World) -> None:
    for path in ("/api/overview", f"/api/overview/{COIN}", "/api/queue", "/api" + path_of(world, "Li")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert ".0" not in re.sub(r'"[^"]*"', "", answer.text), "a float"
        json.loads(answer.text, parse_float=_no_float)


def _no_float(text: str) -> float:
    raise AssertionError(f"{text} is a float")
