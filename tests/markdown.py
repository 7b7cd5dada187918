"""Reading tables and examples out of the documents, so that tests can hold them against the code."""

import re

Row = dict[str, str]


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next heading of the same or a higher level."""
    lines = text.splitlines()
    starts = [at for at, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(heading)}", line)]
    if len(starts) != 1:
        raise LookupError(f"{len(starts)} headings are {heading!r}; one was expected")
    level = len(lines[starts[0]].split(" ")[0])
    below: list[str] = []
    fenced = False
    for line in lines[starts[0] + 1 :]:
        fenced ^= line.startswith("```")
        if not fenced and re.match(rf"#{{1,{level}}} ", line):
            break
        below.append(line)
    return "\n".join(below)


def table(text: str, heading: str) -> list[Row]:
    """Return the first table below a heading: for each row its cells by their column's title.

    Backticks and bold are taken off; `\\|` is a bar.
    """
    lines = section(text, heading).splitlines()
    at = next((at for at, line in enumerate(lines) if line.startswith("|")), None)
    if at is None:
        raise LookupError(f"there is no table below {heading!r}")
    titles = _cells(lines[at])
    rows = []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        cells = _cells(line)
        if len(cells) != len(titles):
            raise LookupError(f"{len(cells)} cells for {len(titles)} columns: {line}")
        rows.append(dict(zip(titles, cells, strict=True)))
    return rows


def examples(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def _cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [re.sub(r"`|\*\*", "", cell).replace("\\|", "|").strip() for cell in cells]
