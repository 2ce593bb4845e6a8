"""The README is true: its settings are the settings, its targets and links are there."""

import re
import subprocess

from favorites.settings import ROOT
from tests.readme import README, TABLE, settings_table

TEXT = README.read_text()


def test_the_settings_table_is_that_of_the_code():
    found = TABLE.search(TEXT)
    assert found
    assert found[0] == settings_table(), "run: python -m tests.readme"


def test_every_make_target_it_names_is_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)`?", TEXT.split("## How")[0])) - {"demo`"}:
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_link_leads_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_flask_command_it_names_is_there(app):
    for group in set(re.findall(r"flask ([a-z-]+)", TEXT)) - {"db"}:
        assert app.cli.get_command(None, group), group


def test_nothing_committed_names_an_address_of_a_package_registry():
    locks = subprocess.run(
        ["cat", *map(str, ROOT.glob("requirements*.txt"))], capture_output=True, text=True, check=True
    )
    assert "://" not in locks.stdout
