from importlib import resources
from pathlib import Path

import pytest

from semsr.errors import SemsrError
from semsr.leaderboard.assets import classic, write_assets


def test_an_export_becomes_a_global() -> None:
    script = classic("var a=1,b=2;export{a as Other,b as default};\n/* licence */", "x.js")
    assert script.startswith("(function(){") and script.endswith("\n})();\n")
    assert "window.DataTable=b;" in script
    assert "export" not in script and "/* licence */" in script and "window.Other" not in script


@pytest.mark.parametrize(
    "module, said",
    [
        ("var a=1;", "found 0 export statements"),
        ("export{a as default};export{b as default};", "found 2 export statements"),
        ('import x from "y";\nexport{a as default};', "no import"),
        ("export{a as b};", "exports b, not default"),
        ("export{};", "exports nothing, not default"),
        ("var u=import.meta.url;export{u as default};", "no import"),
    ],
)
def test_another_form_is_refused(module: str, said: str) -> None:
    with pytest.raises(SemsrError, match=r"itables/x\.js.*lock\.txt") as caught:
        classic(module, "itables/x.js")
    assert said in str(caught.value)


def test_writes_what_pages_load(tmp_path: Path) -> None:
    write_assets(tmp_path)
    own = {entry.name for entry in resources.files("semsr.leaderboard").joinpath("static").iterdir()}
    there = {path.name for path in (tmp_path / "assets").iterdir()}
    assert own | {"datatables.js", "datatables.css"} == there
    bundle = resources.files("itables").joinpath("html", "dt_bundle.js").read_text(encoding="utf-8")
    written = (tmp_path / "assets" / "datatables.js").read_text(encoding="utf-8")
    assert abs(len(written) - len(bundle)) < 200 and "export{" not in written
