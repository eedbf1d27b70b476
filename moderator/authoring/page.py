"""The frame of self-contained HTML pages: no script, nothing loaded from elsewhere."""

from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --old: #8a8f98; --new: #2f6fde; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
blockquote { margin: .2rem 0; }
blockquote, li { overflow-wrap: anywhere; }
.tag { border: 1px solid var(--line); border-radius: .8rem; padding: 0 .6rem; font-size: .85rem; }
.muted { opacity: .7; } svg text { fill: currentColor; font-size: 11px; }
"""
# Even if a text slipped through unescaped, nothing on the page could run or be fetched.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, body: str) -> str:
    """A whole page; `body` is HTML, `title` is text."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )
