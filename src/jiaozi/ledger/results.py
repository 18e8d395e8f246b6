"""The answers a transfer can get.

Words follow TigerBeetle's public data model where it has one. If several apply,
the first in the order of precedence of `kernel.py` is given: form, then id,
accounts, orders to freeze, the law, and the balance last. Numbers are part of
the journal's format: append only.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Result(IntEnum):
    """What became of a transfer. Only CREATED moved money; EXISTS says that it had moved before."""

    CREATED = 0
    LINKED_EVENT_FAILED = 1
    LINKED_EVENT_CHAIN_OPEN = 2
    RESERVED_FLAG = 3
    ID_MUST_NOT_BE_ZERO = 4
    EXISTS_WITH_DIFFERENT_FIELDS = 5
    ID_ALREADY_FAILED = 6
    EXISTS = 7
    UNKNOWN_ACTION = 8
    AMOUNT_OUT_OF_BOUNDS = 9
    DEBIT_ACCOUNT_NOT_FOUND = 10
    CREDIT_ACCOUNT_NOT_FOUND = 11
    ACCOUNTS_MUST_BE_DIFFERENT = 12
    ACCOUNTS_MUST_HAVE_THE_SAME_COIN = 13
    ACTION_DOES_NOT_FIT_ACCOUNTS = 14
    DEBIT_ACCOUNT_CLOSED = 15
    CREDIT_ACCOUNT_CLOSED = 16
    DEBIT_ACCOUNT_FROZEN = 17
    CREDIT_ACCOUNT_FROZEN = 18
    EXCEEDS_UNFROZEN_BALANCE = 19
    REFUSED_BY_LAW = 20
    EXCEEDS_CREDITS = 21
    EXCEEDS_DEBITS = 22
    OVERFLOWS_BALANCE = 23
    FLAGS_ARE_MUTUALLY_EXCLUSIVE = 24
    ID_EXPIRED = 25
    TIMEOUT_RESERVED_FOR_PENDING_TRANSFER = 26
    PENDING_ID_MUST_NOT_BE_ZERO = 27
    PENDING_ID_MUST_BE_DIFFERENT = 28
    PENDING_TRANSFER_NOT_FOUND = 29
    PENDING_TRANSFER_NOT_PENDING = 30
    PENDING_TRANSFER_ALREADY_POSTED = 31
    PENDING_TRANSFER_ALREADY_VOIDED = 32
    PENDING_TRANSFER_EXPIRED = 33
    PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT = 34
    PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT = 35
    PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT = 36
    EXCEEDS_PENDING_TRANSFER_AMOUNT = 37
    FALLS_BELOW_FLOOR = 38
    RISES_ABOVE_CAP = 39
    NOT_TRIED = 40


WORDS: Mapping[Result, Mapping[str, str]] = {
    Result.CREATED: {"en": "booked", "zh": "已记账"},
    Result.LINKED_EVENT_FAILED: {
        "en": "another transfer of its chain failed",
        "zh": "关联交易中的另一笔未成功",
    },
    Result.LINKED_EVENT_CHAIN_OPEN: {"en": "its chain has no end", "zh": "关联交易链未闭合"},
    Result.RESERVED_FLAG: {
        "en": "carries a flag or a field that is not taken",
        "zh": "带有不支持的标志或字段",
    },
    Result.ID_MUST_NOT_BE_ZERO: {"en": "has no id", "zh": "缺少编号"},
    Result.EXISTS_WITH_DIFFERENT_FIELDS: {
        "en": "its id belongs to another transfer",
        "zh": "编号已被另一笔交易使用",
    },
    Result.ID_ALREADY_FAILED: {
        "en": "was refused before; a refusal is final for its id",
        "zh": "此前已被拒绝，同一编号的拒绝为最终结果",
    },
    Result.EXISTS: {"en": "had been booked before", "zh": "此前已记账"},
    Result.UNKNOWN_ACTION: {"en": "names an action that does not exist", "zh": "未知的交易类型"},
    Result.AMOUNT_OUT_OF_BOUNDS: {
        "en": "its amount is zero, negative or too large",
        "zh": "金额为零、为负或过大",
    },
    Result.DEBIT_ACCOUNT_NOT_FOUND: {"en": "the payer's account does not exist", "zh": "付款账户不存在"},
    Result.CREDIT_ACCOUNT_NOT_FOUND: {"en": "the payee's account does not exist", "zh": "收款账户不存在"},
    Result.ACCOUNTS_MUST_BE_DIFFERENT: {
        "en": "payer and payee are the same account",
        "zh": "付款与收款账户相同",
    },
    Result.ACCOUNTS_MUST_HAVE_THE_SAME_COIN: {
        "en": "the accounts hold different coins",
        "zh": "两个账户的代币不同",
    },
    Result.ACTION_DOES_NOT_FIT_ACCOUNTS: {
        "en": "the action does not fit these accounts",
        "zh": "交易类型与账户不符",
    },
    Result.DEBIT_ACCOUNT_CLOSED: {"en": "the payer's account is closed", "zh": "付款账户已销户"},
    Result.CREDIT_ACCOUNT_CLOSED: {"en": "the payee's account is closed", "zh": "收款账户已销户"},
    Result.DEBIT_ACCOUNT_FROZEN: {"en": "the payer's account is frozen by order", "zh": "付款账户已依令冻结"},
    Result.CREDIT_ACCOUNT_FROZEN: {
        "en": "the payee's account is frozen by order",
        "zh": "收款账户已依令冻结",
    },
    Result.EXCEEDS_UNFROZEN_BALANCE: {
        "en": "more than the order leaves free",
        "zh": "超过冻结令允许支付的余额",
    },
    Result.REFUSED_BY_LAW: {"en": "refused by law", "zh": "依法拒绝"},
    Result.EXCEEDS_CREDITS: {"en": "the balance is too low", "zh": "余额不足"},
    Result.EXCEEDS_DEBITS: {"en": "more than stands on the asset account", "zh": "超过资产账户余额"},
    Result.OVERFLOWS_BALANCE: {"en": "the balance would pass the largest amount", "zh": "余额将超过最大金额"},
    Result.FLAGS_ARE_MUTUALLY_EXCLUSIVE: {
        "en": "carries flags that exclude each other",
        "zh": "带有互斥的标志",
    },
    Result.ID_EXPIRED: {
        "en": "its id is older than the ids that are remembered",
        "zh": "编号早于系统所保留的编号范围",
    },
    Result.TIMEOUT_RESERVED_FOR_PENDING_TRANSFER: {
        "en": "has a timeout and is not pending",
        "zh": "非预授权交易不可设超时",
    },
    Result.PENDING_ID_MUST_NOT_BE_ZERO: {
        "en": "names no pending transfer",
        "zh": "未指明预授权交易",
    },
    Result.PENDING_ID_MUST_BE_DIFFERENT: {
        "en": "names itself as the pending transfer",
        "zh": "将自身指为预授权交易",
    },
    Result.PENDING_TRANSFER_NOT_FOUND: {
        "en": "the pending transfer does not exist",
        "zh": "预授权交易不存在",
    },
    Result.PENDING_TRANSFER_NOT_PENDING: {
        "en": "the transfer it names was never pending",
        "zh": "所指交易并非预授权交易",
    },
    Result.PENDING_TRANSFER_ALREADY_POSTED: {
        "en": "the pending transfer was posted before",
        "zh": "预授权交易此前已完成",
    },
    Result.PENDING_TRANSFER_ALREADY_VOIDED: {
        "en": "the pending transfer was voided before",
        "zh": "预授权交易此前已撤销",
    },
    Result.PENDING_TRANSFER_EXPIRED: {"en": "the pending transfer has timed out", "zh": "预授权交易已超时"},
    Result.PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT: {
        "en": "the pending transfer has another payer",
        "zh": "预授权交易的付款账户不同",
    },
    Result.PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT: {
        "en": "the pending transfer has another payee",
        "zh": "预授权交易的收款账户不同",
    },
    Result.PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT: {
        "en": "the pending transfer has another amount, and is voided whole",
        "zh": "预授权交易金额不同，撤销须为全额",
    },
    Result.EXCEEDS_PENDING_TRANSFER_AMOUNT: {
        "en": "more than the pending transfer reserved",
        "zh": "超过预授权金额",
    },
    Result.FALLS_BELOW_FLOOR: {
        "en": "the payer's account would fall below its floor",
        "zh": "付款账户将低于其下限",
    },
    Result.RISES_ABOVE_CAP: {
        "en": "the payee's account would rise above its cap",
        "zh": "收款账户将高于其上限",
    },
    Result.NOT_TRIED: {"en": "not tried, since one before it failed", "zh": "前一笔失败，未予处理"},
}
