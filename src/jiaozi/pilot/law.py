"""Steps 1 to 3: what the law says on a day, who is refused, and what a draft would change."""

from __future__ import annotations

from datetime import date

from jiaozi.clock import ManualClock, day_of, day_start
from jiaozi.issuer.sheet import open_sheet
from jiaozi.ledger.facts import CoinCreated, ConsentGranted, IssuerRegistered, LicenceGranted
from jiaozi.ledger.results import Result
from jiaozi.money import format_fen
from jiaozi.office import Office
from jiaozi.pilot import cast, money
from jiaozi.pilot.tell import Teller
from jiaozi.rulebook.model import Action, Book, Status
from jiaozi.rulebook.reading.read import read_folder
from jiaozi.rulebook.telling.explain import line

ASKED_FEN = 1_000_000_00


def read_the_law(teller: Teller, day: date) -> tuple[Book, Book]:
    """Step 1. Return the law in force, and the same with the draft."""
    teller.step("The law")
    in_force, with_draft = read_folder(), read_folder(drafts=[cast.ZONE])
    instant = day_start(day)
    for part in with_draft.parts:
        rules = [rule for rule in with_draft.rules if rule.place == part.place]
        if part.status is Status.DRAFT:
            start = min(rule.span.start_day for rule in rules)
            teller.say(f"{part.title['en']}: a DRAFT only, would apply from {start}; not asked today.")
            continue
        applying = {rule.cite.source: rule for rule in rules if rule.span.covers(instant)}
        for source, rule in applying.items():
            number = with_draft.sources[source].number
            teller.say(f"{part.title['en']}: {number} in force on {day}, since {rule.span.start_day}.")
        for rule in rules:
            if rule.span.end_day and rule.span.end_day <= day:
                number = with_draft.sources[rule.cite.source].number
                teller.say(f"{part.title['en']}: {number} ended on {rule.span.end_day}.")
    teller.say("Read it in law/*.toml, or with `jiaozi law page`. None of it is legal advice.")
    teller.figure("law_digest", with_draft.digest.hex())
    return in_force, with_draft


def ask_today(office: Office, clock: ManualClock, teller: Teller, book: Book) -> None:
    """Step 2. Pujiang Pay is refused in Shanghai; Harbour Coin issues in Hong Kong."""
    teller.step("Refused today, and allowed today")
    office.enact(book)
    office.ledger.record(
        IssuerRegistered(cast.ISSUER, cast.ZONE),
        IssuerRegistered(cast.RIVAL, cast.ZONE),
        IssuerRegistered(cast.HK_ISSUER, "hk"),
        LicenceGranted(cast.HK_ISSUER, "hk", "EXAMPLE-HK-01", date(2026, 6, 1)),
        CoinCreated(cast.COIN, cast.ISSUER, "CNY"),
        CoinCreated(cast.RIVAL_COIN, cast.RIVAL, "CNY"),
        CoinCreated(cast.HK_COIN, cast.HK_ISSUER, "HKD"),
    )
    for coin, zone in ((cast.COIN, cast.ZONE), (cast.RIVAL_COIN, cast.ZONE), (cast.HK_COIN, "hk")):
        open_sheet(office.ledger, coin, zone)
    buyer = money.open_firms(office, cast.COIN, cast.ZONE, cast.DISTRIBUTORS)[0]

    day = day_of(clock())
    teller.say(f"{cast.ISSUER_NAME} asks to issue {format_fen(ASKED_FEN, 'CNY')} in Shanghai on {day}:")
    for explained in _against(office, cast.COIN, buyer):
        teller.say(f"  {line(explained, 'en')}")
    with teller.waiting("compiling the kernel, on the first run only"), teller.timed("compile_seconds"):
        outcome = money.post_issue(office, cast.COIN, buyer, ASKED_FEN, name="today")
    assert outcome.results[1] == Result.REFUSED_BY_LAW
    teller.say("The ledger was asked to book it all the same, and gave the same bits; nothing moved.")
    teller.figure("refused_today", list(office.ledger.reasons(outcome, 1)))

    issued = money.issue_in_hong_kong(office)
    amount = format_fen(issued.amount_fen, "HKD")
    teller.say(
        f"{cast.HK_ISSUER_NAME}, licensed in Hong Kong, takes in a bank statement and issues {amount}:"
    )
    teller.say(
        f"  allowed  hk.issue   hk-so s 8, in force since {book.rule_by_id['hk.issue'].span.start_day}"
    )
    teller.figure("hong_kong_issued_fen", issued.amount_fen)


def allow_under_draft(office: Office, clock: ManualClock, teller: Teller, book: Book) -> None:
    """Step 3. The same request on the draft's day, with a dated consent."""
    teller.step("Allowed under the draft")
    clock.set(cast.at(cast.DRAFT_DAY, "07:00"))
    office.enact(book)
    first_day, end = date(2026, 12, 1), date(2028, 12, 1)
    office.ledger.record(
        LicenceGranted(cast.ISSUER, cast.ZONE, "EXAMPLE-SH-01", first_day),
        LicenceGranted(cast.RIVAL, cast.ZONE, "EXAMPLE-SH-02", first_day),
    )
    teller.say(
        f"The clock moves to {cast.DRAFT_DAY}. The invented pilot applies and both firms are licensed."
    )
    buyer = office.parties.search(cast.DISTRIBUTORS[0])[0].account
    rival_buyer = money.open_firms(office, cast.RIVAL_COIN, cast.ZONE, ("Jade Lane Stores",))[0]
    teller.say(f"{cast.RIVAL_NAME} asks for the same, without consent:")
    for explained in _against(office, cast.RIVAL_COIN, rival_buyer):
        teller.say(f"  {line(explained, 'en')}")
    office.ledger.record(
        ConsentGranted(
            issuer=cast.ISSUER,
            authority="cn",
            reference="EXAMPLE-CONSENT-1",
            actions=["issue"],
            coin=cast.COIN,
            places=[cast.ZONE],
            cap_fen=cast.CAP_FEN,
            from_day=first_day,
            until_day=end,
        )
    )
    cap = format_fen(cast.CAP_FEN, "CNY")
    teller.say(f"The supervisor grants {cast.ISSUER_NAME} consent: at most {cap}, until {end}.")
    against = _against(office, cast.COIN, buyer)
    rule = book.rule_by_id["cn-sh.issue"]
    answer = "refused" if against else "allowed"
    teller.say(
        f"  {answer}  {rule.id}   {rule.cite}, from {rule.span.start_day} [DRAFT], once the money is in"
    )
    teller.say("From here everything runs under the DRAFT, and every page says so.")
    teller.figure("allowed_under_draft", not against)


def _against(office: Office, coin_id: str, buyer: int) -> tuple[money.Explained, ...]:
    """Return what the law has against issuing to *buyer*, once the money for it is in."""
    sheet = office.ledger.state.register.coin(coin_id).sheet
    assert sheet is not None
    against = office.ask(Action.ISSUE, sheet.client_money, buyer, ASKED_FEN, place=cast.ZONE)
    return tuple(each for each in against if each.reason != "cn-sh.full_backing")
