"""A stand-alone HTML document: nothing is loaded from anywhere, and it prints well."""

from __future__ import annotations

from html import escape

NOT_ADVICE = {
    "en": "Not legal advice. The words are ours; counsel checks every number before it is relied on.",
    "zh": "不构成法律意见。文字为本项目所写；任何数字在使用前须经律师核对。",
}

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1b19; --soft: #6a665f; --line: #d9d4ca; --paper: #fffdf9;
  --mark: #8a5a00; --mark-paper: #fff3d6; --link: #0b5a8a; }
@media (prefers-color-scheme: dark) { :root { --ink: #ece8e1; --soft: #a39d92; --line: #3c3934;
  --paper: #191816; --mark: #f0c36b; --mark-paper: #3a2d10; --link: #7cc0ea; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 46rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 "Noto Serif", "Noto Serif CJK SC", Georgia, "Songti SC", serif }
body.wide { max-width: none }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .4rem }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem }
h3 { font-size: 1.02rem; margin: 1.5rem 0 .4rem; color: var(--soft) }
h4 { font-size: 1rem; margin: 1.1rem 0 .2rem }
p { margin: .3rem 0 }
ul { margin: .2rem 0 .6rem; padding-left: 1.2rem }
code { font: .82em/1.4 "Noto Sans Mono", Menlo, monospace; color: var(--soft); overflow-wrap: anywhere }
small, .soft, cite small { color: var(--soft); font-size: .85em }
.law-day { display: none }
cite { font-style: normal; font-size: .9em }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 2px }
.not-advice { color: var(--soft); font-size: .85rem }
.draft-mark, .mark { background: var(--mark-paper); color: var(--mark); font-size: .85em; padding: .05rem .35rem;
  border-radius: .2rem; font-weight: 600; white-space: nowrap }
.draft-note { color: var(--mark) }
section.draft { border-left: 4px solid var(--mark); padding-left: 1rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .84rem; line-height: 1.4 }
th, td { border: 1px solid var(--line); padding: .45rem .55rem; text-align: left; vertical-align: top }
thead th { position: sticky; top: 0; background: var(--paper) }
tbody th { position: sticky; left: 0; background: var(--paper) }
.compare tbody th { min-width: 8rem; max-width: 11rem }
td { min-width: 12rem }
td p + p { margin-top: .45rem; padding-top: .45rem; border-top: 1px dotted var(--line) }
td.narrow { min-width: 0; white-space: nowrap }
svg { max-width: 100%; height: auto }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; background: none; color: #000 }
  h2, h3, h4 { break-after: avoid } article, li { break-inside: avoid }
  a { color: inherit } .scroll { overflow: visible }
  thead { display: table-header-group } thead th, tbody th { position: static }
  table { font-size: 8pt } td { min-width: 0 }
  .compare { table-layout: fixed; width: 100%; font-size: 6.5pt }
  .compare th, .compare td { padding: 1.5mm; overflow-wrap: anywhere }
  body.wide { page: wide }
}
@page { size: A4; margin: 16mm }
@page wide { size: A3 landscape; margin: 10mm }
"""


def document(title: str, body: str, language: str, *, is_wide: bool = False) -> str:
    """Return a whole page with *body* (HTML) under *title* (text)."""
    kind = ' class="wide"' if is_wide else ""
    spoken = "zh-Hans" if language == "zh" else "en"
    return (
        f'<!doctype html>\n<html lang="{spoken}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body{kind}>\n"
        f"<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
