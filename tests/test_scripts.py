"""Our scripts leave minified (web/static_files.py): what the minifier would spoil must not be in them."""

import re

from favorites.settings import ROOT

NESTED = re.compile(r"`[^`]*\$\{[^}`]*`")  # rjsmin takes the inner template for the outer one's end


def test_no_script_has_a_template_in_a_template() -> None:
    scripts = sorted((ROOT / "static" / "js").glob("*.js"))
    assert [path.name for path in scripts if NESTED.search(path.read_text())] == []
    assert NESTED.search("`${a ? ` ${b}.` : c}`")
