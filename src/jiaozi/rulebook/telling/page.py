"""The law as a page to read, in Markdown or as a fragment of HTML.

Each sentence carries its article, each article leads to its text, and each text
says when we last looked at it and what we read: the text itself, a public
summary, or something invented here. Words come from `sections`; this file only
lays them out, and escapes every one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape

from jiaozi.clock import Instant, day_of
from jiaozi.rulebook.model import Book, Cite, Source, Status
from jiaozi.rulebook.telling.document import NOT_ADVICE, document
from jiaozi.rulebook.telling.explain import NOT_LAW
from jiaozi.rulebook.telling.sections import Absent, Clause, Paragraph, Section, in_force, sections

__all__ = ["Absent", "Clause", "Paragraph", "Section", "html", "in_force", "markdown", "sections"]

_WORDS = {
    "en": {
        "unconfirmed": "unconfirmed",
        "draft": "A draft. It is not law: nobody has enacted it. Shown as it would stand on this day.",
        "proposal": "A proposal. It is not law: nobody has enacted it. Shown as it would stand on this day.",
        "idea": "An idea. It is not law, and nobody has proposed it. Shown as it would stand on this day.",
        "rules": "Rules",
        "always": "What must always hold",
        "duties": "Duties",
        "values": "Numbers",
        "absent": "Not in force on this day",
        "sources": "Sources",
        "when": "Applies when",
        "unless": "Unless",
        "needs": "Needs",
        "exceptions": "Exceptions",
        "from": "from {}",
        "until": "until {}",
        "checked": "last checked {}",
        "read": "read",
        "text": "the official text",
        "digest": "a public summary",
        "invented": "nothing: invented here",
        "nothing": "Nothing in this file applies on this day.",
        "law_of": "The law on {}",
        ": ": ": ",
        ", ": ", ",
        ". ": ". ",
    },
    "zh": {
        "unconfirmed": "未确认",
        "draft": "草案，并非法律：任何机关均未颁布。以下为其在当日假定的内容。",
        "proposal": "提案，并非法律：任何机关均未颁布。以下为其在当日假定的内容。",
        "idea": "设想，并非法律：任何机关均未提出。以下为其在当日假定的内容。",
        "rules": "规则",
        "always": "须始终满足",
        "duties": "义务",
        "values": "数值",
        "absent": "当日不适用",
        "sources": "出处",
        "when": "适用条件",
        "unless": "除非",
        "needs": "要求",
        "exceptions": "例外",
        "from": "自{}起",
        "until": "至{}前",
        "checked": "最近核对 {}",
        "read": "所据",
        "text": "官方文本",
        "digest": "公开摘要",
        "invented": "无：本项目虚构",
        "nothing": "本文件当日无适用内容。",
        "law_of": "{}的法律",
        ": ": "：",
        ", ": "，",
        ". ": "。",
    },
}


def markdown(book: Book, instant: Instant, language: str) -> str:
    """Return the law of *book* at *instant* as Markdown, headings from level one."""
    return "\n".join(_Markdown(book, instant, language).lines()) + "\n"


def whole(book: Book, instant: Instant, language: str) -> str:
    """Return the law of *book* at *instant* as a stand-alone HTML document that prints well."""
    title = _WORDS[language]["law_of"].format(day_of(instant))
    return document(title, html(book, instant, language), language)


def html(book: Book, instant: Instant, language: str) -> str:
    """Return the law of *book* at *instant* as a fragment for a page's body, headings from h2."""
    return "\n".join(_Html(book, instant, language).lines()) + "\n"


class _Page:
    def __init__(self, book: Book, instant: Instant, language: str) -> None:
        self.book = book
        self.language = language
        self.words = _WORDS[language]
        self.day = day_of(instant)
        self.sections = sections(book, instant, language)
        self.status = Status.DRAFT

    def mark(self) -> str:
        """Return the mark of what is no law, in the section that is being written."""
        status = Status.DRAFT if self.status.is_law else self.status
        return NOT_LAW[status][self.language]

    def dates(self, since: date | None, until: date | None) -> str:
        """Return `from 2026-12-01, until 2028-12-01`, or less where one is open."""
        known = [("from", since), ("until", until)]
        return self.words[", "].join(self.words[word].format(day) for word, day in known if day)

    def groups(self, section: Section) -> Iterator[tuple[str, Sequence[Paragraph]]]:
        for name, found in (
            ("rules", section.rules),
            ("always", section.always),
            ("duties", section.duties),
        ):
            if found:
                yield self.words[name], found

    def clauses(self, provision: Paragraph) -> Iterator[tuple[str, Sequence[Clause]]]:
        for name, found in (
            ("when", provision.when),
            ("unless", provision.unless),
            ("needs", provision.needs),
            ("exceptions", provision.exceptions),
        ):
            if found:
                yield self.words[name], found

    def sources(self) -> list[Source]:
        """Return the texts that this page cites, in the order of their file."""
        cited: set[str] = set()
        for section in self.sections:
            for provision in (*section.rules, *section.always, *section.duties):
                clauses = [clause for _, found in self.clauses(provision) for clause in found]
                cited |= {provision.cite.source, *(clause.cite.source for clause in clauses)}
            cited |= {clause.cite.source for clause in section.values}
            cited |= {absent.cite.source for absent in section.not_in_force}
        return [source for source in self.book.sources.values() if source.id in cited]

    def source_words(self, source: Source) -> tuple[str, str, str]:
        """Return authority, title with number, and what was read and when."""
        words, colon = self.words, self.words[": "]
        read = f"{words['read']}{colon}{words[source.read]}"
        checked = words["checked"].format(source.checked)
        named = f"{source.title[self.language]} ({source.number})"
        return source.authority[self.language], named, f"{read}{words[', ']}{checked}"

    def is_empty(self, section: Section) -> bool:
        return not (section.rules or section.always or section.duties or section.values)


class _Markdown(_Page):
    def lines(self) -> Iterator[str]:
        yield f"# {_md(self.words['law_of'].format(self.day))}"
        for sentence in NOT_ADVICE.values():
            yield from ("", f"*{sentence}*")
        for section in self.sections:
            yield from self._section(section)
        yield from ("", f"## {self.words['sources']}", "")
        for source in self.sources():
            authority, named, read = (_md(words) for words in self.source_words(source))
            title = f"[{named}](<{_url(source.link)}>)" if source.link else named
            stop = self.words[". "]
            yield f"- `{_code(source.id)}` {authority}{self.words[': ']}{title}{stop}{read}{stop}".rstrip()

    def _section(self, section: Section) -> Iterator[str]:
        self.status = section.status
        yield from ("", f"## {_md(section.title)}{self._draft(section.is_draft)}")
        if section.is_draft:
            yield from ("", f"**{self.words[section.status]}**")
        if self.is_empty(section):
            yield from ("", self.words["nothing"])
        for heading, provisions in self.groups(section):
            yield from ("", f"### {heading}")
            for provision in provisions:
                yield from self._provision(provision)
        if section.values:
            yield from ("", f"### {self.words['values']}", "")
            yield from (f"- {self._clause(clause)}" for clause in section.values)
        if section.not_in_force:
            yield from ("", f"### {self.words['absent']}", "")
            yield from (f"- {self._absent(absent)}" for absent in section.not_in_force)

    def _provision(self, provision: Paragraph) -> Iterator[str]:
        unsure = f" [{self.words['unconfirmed']}]" if provision.is_unconfirmed else ""
        yield from ("", f"#### `{_code(provision.id)}`{self._draft(provision.is_draft)}{unsure}")
        yield from ("", f"{_md(provision.title)}{self.words['. ']}".rstrip(), "")
        dates = self.dates(provision.since, provision.until)
        yield f"- {_md(provision.words)} {self._cite(provision.cite)} {dates}"
        for heading, clauses in self.clauses(provision):
            yield f"- {heading}{self.words[': ']}".rstrip()
            yield from (f"  - {self._clause(clause)}" for clause in clauses)

    def _clause(self, clause: Clause) -> str:
        name = f"`{_code(clause.name)}` " if clause.name else ""
        since = f" {self.dates(clause.since, None)}" if clause.since else ""
        return f"{name}{_md(clause.words)} {self._cite(clause.cite)}{since}{self._draft(clause.is_draft)}"

    def _absent(self, absent: Absent) -> str:
        dates = self.dates(absent.since, absent.until)
        return (
            f"`{_code(absent.id)}` {_md(absent.title)}{self.words[', ']}{_md(absent.words)} "
            f"{self._cite(absent.cite)} {dates}{self._draft(absent.is_draft)}"
        )

    def _cite(self, cite: Cite) -> str:
        source = self.book.sources[cite.source]
        shown = f"{_md(str(cite))}{self.words[', ']}{self.words['checked'].format(source.checked)}"
        return f"([{shown}](<{_url(source.link)}>))" if source.link else f"({shown})"

    def _draft(self, is_draft: bool) -> str:
        return f" **[{self.mark()}]**" if is_draft else ""


class _Html(_Page):
    def lines(self) -> Iterator[str]:
        for language, sentence in NOT_ADVICE.items():
            yield f'<p class="not-advice" lang="{language}">{escape(sentence)}</p>'
        heading = self.words["law_of"].format(f'<time datetime="{self.day}">{self.day}</time>')
        yield f'<p class="law-day">{heading}</p>'
        for section in self.sections:
            yield from self._section(section)
        yield f'<section class="sources"><h2>{escape(self.words["sources"])}</h2>'
        yield "<ul>"
        yield from (self._source(source) for source in self.sources())
        yield "</ul></section>"

    def _section(self, section: Section) -> Iterator[str]:
        self.status = section.status
        kind = "law draft" if section.is_draft else "law"
        yield f'<section class="{kind}" id="law-{escape(section.name)}">'
        yield f"<h2>{escape(section.title)}{self._draft(section.is_draft)}</h2>"
        if section.is_draft:
            yield f'<p class="draft-note"><strong>{escape(self.words[section.status])}</strong></p>'
        if self.is_empty(section):
            yield f"<p>{escape(self.words['nothing'])}</p>"
        for heading, provisions in self.groups(section):
            yield f"<h3>{escape(heading)}</h3>"
            for provision in provisions:
                yield from self._provision(provision)
        if section.values:
            yield f"<h3>{escape(self.words['values'])}</h3>"
            yield from self._list([self._clause(clause) for clause in section.values])
        if section.not_in_force:
            yield f"<h3>{escape(self.words['absent'])}</h3>"
            yield from self._list([self._absent(absent) for absent in section.not_in_force])
        yield "</section>"

    def _provision(self, provision: Paragraph) -> Iterator[str]:
        yield f'<article class="{provision.kind}" id="{escape(provision.id)}">'
        unsure = self._unconfirmed(is_unconfirmed=provision.is_unconfirmed)
        yield f"<h4>{escape(provision.title)}{self._draft(provision.is_draft)}{unsure}</h4>"
        dates = self.dates(provision.since, provision.until)
        yield (
            f"<p><code>{escape(provision.id)}</code> {escape(provision.words)} "
            f"{self._cite(provision.cite)} <small>{escape(dates)}</small></p>"
        )
        for heading, clauses in self.clauses(provision):
            yield f"<p>{escape(heading)}</p>"
            yield from self._list([self._clause(clause) for clause in clauses])
        yield "</article>"

    def _list(self, items: Sequence[str]) -> Iterator[str]:
        yield "<ul>"
        yield from (f"<li>{item}</li>" for item in items)
        yield "</ul>"

    def _clause(self, clause: Clause) -> str:
        name = f"<code>{escape(clause.name)}</code> " if clause.name else ""
        since = f" <small>{escape(self.dates(clause.since, None))}</small>" if clause.since else ""
        return f"{name}{escape(clause.words)} {self._cite(clause.cite)}{since}{self._draft(clause.is_draft)}"

    def _absent(self, absent: Absent) -> str:
        dates = self.dates(absent.since, absent.until)
        return (
            f"<code>{escape(absent.id)}</code> {escape(absent.title)}{self.words[', ']}"
            f"{escape(absent.words)} {self._cite(absent.cite)} <small>{escape(dates)}</small>"
            f"{self._draft(absent.is_draft)}"
        )

    def _cite(self, cite: Cite) -> str:
        """Link to the text, or to its line in the list of sources when it has no address."""
        source = self.book.sources[cite.source]
        link = escape(source.link or f"#source-{source.id}")
        checked = escape(self.words["checked"].format(source.checked))
        return f'<cite><a href="{link}">{escape(str(cite))}</a> <small>{checked}</small></cite>'

    def _source(self, source: Source) -> str:
        authority, named, read = (escape(words) for words in self.source_words(source))
        stop = self.words[". "]
        title = f'<a href="{escape(source.link)}">{named}</a>' if source.link else named
        return (
            f'<li id="source-{escape(source.id)}" class="{escape(source.read)}">'
            f"<code>{escape(source.id)}</code> {authority}{self.words[': ']}{title}{stop}{read}{stop}</li>"
        )

    def _draft(self, is_draft: bool) -> str:
        return f' <strong class="draft-mark">{escape(self.mark())}</strong>' if is_draft else ""

    def _unconfirmed(self, *, is_unconfirmed: bool) -> str:
        return f' <span class="mark">{escape(self.words["unconfirmed"])}</span>' if is_unconfirmed else ""


def _md(text: str) -> str:
    """Return *text* so that Markdown shows it as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|&#])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return text.replace("`", "'")


def _url(link: str) -> str:
    return re.sub(r"[<>\s\\]", lambda found: f"%{ord(found.group()):02X}", link)
