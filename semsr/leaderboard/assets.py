"""Scripts and styles of the site: our own, and DataTables with jQuery out of the wheel of itables."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from semsr.errors import SemsrError
from semsr.files import write_atomic

_EXPORT = re.compile(r"\bexport\s*\{([^{}]*)\}\s*;?")
_NAME = re.compile(r"^\s*([\w$]+)\s+as\s+([\w$]+)\s*$")
_WANTED = {"default": "DataTable"}
"""What the module exports, and the global name that it gets here."""


def classic(module: str, where: str) -> str:
    """DataTables' module as a classic script that sets `window.DataTable`.

    Browsers load no modules from files, only scripts; so the one export statement at the end is rewritten, and everything is put into a
    function, as a module has a scope of its own.

    Args:
        module: the text of itables' `dt_bundle.js`.
        where: what an error calls it.

    Raises:
        SemsrError: it imports something, or does not export once what is needed.
    """
    found = list(_EXPORT.finditer(module))
    if len(found) != 1 or re.search(r"^\s*import[\s{\"']", module, re.MULTILINE) or "import.meta" in module:
        raise SemsrError(
            f"{where}: expected one export statement and no import, found {len(found)} export statements; this version of itables "
            "can't be used: install the one of requirements/lock.txt"
        )
    names = {match[2]: match[1] for part in found[0][1].split(",") if (match := _NAME.match(part))}
    if missing := sorted(set(_WANTED) - set(names)):
        raise SemsrError(
            f"{where}: exports {', '.join(sorted(names)) or 'nothing'}, not {missing[0]}; this version of itables can't be used: install "
            "the one of requirements/lock.txt"
        )
    globals_ = "".join(f"window.{name}={names[exported]};" for exported, name in _WANTED.items())
    start, end = found[0].span()
    # A line break before the closing brace: what follows the export statement are comments of licences.
    return f'(function(){{"use strict";{module[:start]}{globals_}{module[end:]}\n}})();\n'


def write_assets(out: Path) -> None:
    """Write everything that pages load into `out/assets`.

    Raises:
        SemsrError: itables' bundle is not there, or not as expected.
    """
    for entry in resources.files("semsr.leaderboard").joinpath("static").iterdir():
        if entry.name.endswith((".js", ".css")):
            write_atomic(out / "assets" / entry.name, entry.read_bytes(), durable=False)
    html = resources.files("itables").joinpath("html")
    for name in ("dt_bundle.js", "dt_bundle.css"):
        where = f"itables/html/{name}"
        try:
            text = html.joinpath(name).read_text(encoding="utf-8")
        except OSError:
            raise SemsrError(
                f"{where}: no such file in the installed itables; install the one of requirements/lock.txt"
            ) from None
        text = classic(text, where) if name.endswith(".js") else text
        write_atomic(out / "assets" / name.replace("dt_bundle", "datatables"), text, durable=False)
