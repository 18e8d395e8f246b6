"""Bank money in, a freeze, a redemption: steps 4, 6 and 7, and the issues of step 2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from jiaozi.bank import EXAMPLES, camt_write
from jiaozi.bank.message import Detail, Entry
from jiaozi.clock import ManualClock, day_of, moment_of
from jiaozi.issuer.sheet import Leg, chain
from jiaozi.issuer.store import BankEntry, Order, ReserveBank
from jiaozi.ledger.facts import FreezeLifted, FreezeOrdered
from jiaozi.ledger.ledger import Outcome
from jiaozi.ledger.numbers import account_text
from jiaozi.ledger.records import BOOK, ISSUE, openings
from jiaozi.ledger.results import WORDS, Result
from jiaozi.money import FEN_PER_UNIT, format_fen
from jiaozi.office import Office
from jiaozi.people.parties import Party
from jiaozi.pilot import cast
from jiaozi.pilot.tell import Teller
from jiaozi.rulebook.telling.explain import Explained
from jiaozi.rulebook.telling.wording import within_words

__all__ = [
    "Explained",
    "freeze",
    "issue_in_hong_kong",
    "open_firms",
    "post_issue",
    "redeem",
    "take_bank_money",
]

HK_ISSUED_FEN = 5_000_000_00


def open_firms(office: Office, coin_id: str, zone: str, names: Sequence[str]) -> list[int]:
    """Open an account for each firm of *names*; return the numbers."""
    words = office.book.vocabulary
    opened = openings(len(names))
    opened["coin"] = office.ledger.state.register.coin(coin_id).number
    opened["zone"] = words.place_codes[zone]
    opened["kind"] = words.code("payer.kind", "registered firm")
    opened["tier"] = words.code("payer.tier", "t1")
    first = office.ledger.open_accounts(opened)
    numbers = list(range(first, first + len(names)))
    office.parties.add(
        Party(account, name, f"6200-EXAMPLE-{account:06d}")
        for account, name in zip(numbers, names, strict=True)
    )
    return numbers


def post_issue(office: Office, coin_id: str, buyer: int, amount_fen: int, *, name: str) -> Outcome:
    """Ask the ledger to book money in and coins out, as one chain."""
    state = office.ledger.state
    coin = state.register.coin(coin_id)
    assert coin.sheet is not None
    legs = [
        Leg(("pilot money", name), coin.sheet.reserve, coin.sheet.client_money, amount_fen, BOOK),
        Leg(("pilot issue", name), coin.sheet.client_money, buyer, amount_fen, ISSUE),
    ]
    return office.ledger.post(chain(legs, state.words.place_codes[state.register.issuer_zone(coin.issuer)]))


def issue_in_hong_kong(office: Office) -> BankEntry:
    """Let Harbour Coin issue against a statement of its own bank, the same way as everyone."""
    buyer = open_firms(office, cast.HK_COIN, "hk", ("Causeway Traders",))[0]
    office.store.name_bank(ReserveBank(cast.HK_COIN, cast.HK_BANK_ACCOUNT, cast.HK_BANK, cast.HK_ISSUER_NAME))
    reference = "JZ-2026-000101"
    office.store.add_orders([Order(reference, cast.HK_COIN, buyer, HK_ISSUED_FEN)])
    now = moment_of(office.clock(), "Asia/Hong_Kong")
    amount = Decimal(HK_ISSUED_FEN // FEN_PER_UNIT)
    entry = Entry(
        index=1,
        amount=amount,
        currency="HKD",
        is_credit=True,
        booking_day=now.date(),
        value_day=now.date(),
        servicer_reference="HK-EXAMPLE-0001",
        details=(Detail(remittance=(f"coins, {reference}",), debtor_name="Causeway Traders"),),
    )
    statement = camt_write.NewStatement(
        message_id="HK-EXAMPLE-MSG-1",
        id="HK-EXAMPLE-1",
        created_at=now.isoformat(timespec="seconds"),
        account=cast.HK_BANK_ACCOUNT,
        currency="HKD",
        owner=cast.HK_ISSUER_NAME,
        bank_name="Victoria Example Bank",
        day=now.date(),
        opening=Decimal(0),
        entries=(entry,),
    )
    taken = office.take_statement(camt_write.write(statement), cast.HK_COIN, name="harbour.camt053.xml").taken
    assert [each.status for each in taken] == ["issued"]
    return taken[0]


def take_bank_money(office: Office, clock: ManualClock, teller: Teller) -> None:
    """Step 4. A camt.053 of the example bank becomes coins."""
    teller.step("Bank money comes in")
    clock.set(cast.at(cast.DRAFT_DAY, "07:30"))
    office.store.name_bank(ReserveBank(cast.COIN, cast.BANK_ACCOUNT, cast.BANK, cast.ISSUER_NAME))
    firms = [office.parties.search(name)[0].account for name in cast.DISTRIBUTORS]
    office.store.add_orders(
        [
            Order(f"JZ-2026-{number:06d}", cast.COIN, firm, fen)
            for number, (firm, fen) in enumerate(zip(firms, cast.ORDERS_FEN, strict=True), start=1)
        ]
    )
    path = EXAMPLES / "2026-12-15-morning.camt053.xml"
    taken = office.take_statement(path, cast.COIN)
    issued, unmatched = taken.with_status("issued"), taken.with_status("unmatched")
    teller.say(f"{path.name}: {len(taken.taken)} entries, valid against the official schema.")
    for entry in issued:
        teller.say(
            f"  {format_fen(entry.amount_fen, 'CNY'):>18}  {entry.reference}  coins issued, linked with the money"
        )
    for entry in unmatched:
        teller.say(
            f"  {format_fen(entry.amount_fen, 'CNY'):>18}  {entry.note}: waits in the queue, nobody guesses"
        )
    again = office.take_statement(path, cast.COIN)
    teller.say(f"Read once more, as banks do: {again.known} entries known, {len(again.taken)} booked.")
    teller.figure("issued_orders", len(issued))
    teller.figure("unmatched", len(unmatched))
    teller.figure("issued_fen", sum(entry.amount_fen for entry in issued))


def freeze(office: Office, teller: Teller, holder: int, shop: int) -> None:
    """Step 6. A lawful order upon an account, tried from both sides, then lifted."""
    teller.step("A freeze on lawful order")

    def attempt(payer: int, payee: int, fen: int) -> str:
        result = Result(int(office.pay(payer, payee, fen, place=cast.ZONE).results[0]))
        answers.append(result.name.lower())
        return WORDS[result]["en"]

    answers: list[str] = []
    name = account_text(holder)
    balance = int(office.ledger.state.accounts[holder]["balance"])
    order = FreezeOrdered(
        holder, "EXAMPLE-ORDER-1", "invented court of the zone", may_receive=False, keep_fen=None
    )
    office.ledger.record(order)
    teller.say(
        f"Order {order.order}: account {name} (balance {format_fen(balance, 'CNY')}) may neither pay nor be paid."
    )
    teller.say(
        f"  it pays 1.00: {attempt(holder, shop, 1_00)}; it is paid 1.00: {attempt(shop, holder, 1_00)}"
    )
    keep = balance - 10_00
    office.ledger.record(
        FreezeLifted(holder, order.order, "EXAMPLE-RULING-1"),
        FreezeOrdered(
            holder, "EXAMPLE-ORDER-2", "invented court of the zone", may_receive=True, keep_fen=keep
        ),
    )
    teller.say(
        f"A second order replaces it: it may be paid, and pay what is above {format_fen(keep, 'CNY')}."
    )
    teller.say(
        f"  it pays 10.01: {attempt(holder, shop, 10_01)}; it pays 10.00: {attempt(holder, shop, 10_00)}"
    )
    office.ledger.record(FreezeLifted(holder, "EXAMPLE-ORDER-2", "EXAMPLE-RULING-2"))
    teller.say(f"Lifted. It pays 1.00: {attempt(holder, shop, 1_00)}.")
    teller.figure("freeze_answers", answers)


def redeem(office: Office, teller: Teller) -> None:
    """Step 7. Coins are burned, the bank is told to pay, the law's deadline is counted."""
    teller.step("Redemption at par")
    firm = office.parties.search(cast.DISTRIBUTORS[0])[0]
    requested = office.redeem(cast.COIN, firm.account, cast.REDEEMED_FEN)
    redemption = requested.redemption
    assert redemption is not None, office.ledger.reasons(requested.refused, 0) if requested.refused else ""
    path = office.order_payouts(cast.COIN, f"PJ-{cast.DRAFT_DAY:%Y%m%d}-1")
    duty = next(duty for duty in office.book.duties if duty.id == redemption.duty)
    assert duty.within is not None
    day = day_of(office.clock())
    due = date.fromisoformat(redemption.deadline)
    amount = format_fen(redemption.amount_fen, "CNY")
    teller.say(f"{firm.name} gives back {amount}: burned, and owed in bank money ({redemption.reference}).")
    teller.say(f"pain.001 written, valid: {path}")
    teller.say(
        f"Asked on {day:%a %d %b}, due by {due:%a %d %b %Y}: {within_words(duty.within, 'en')}, "
        f"{duty.cite} [DRAFT], calendar {office.calendars['cn'].title['en']}."
    )
    teller.figure("redeemed_fen", redemption.amount_fen)
    teller.figure("redeem_by", redemption.deadline)
