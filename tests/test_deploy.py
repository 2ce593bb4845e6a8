"""What deploy/ and the how-to pages ship is true of this code, and each program that is here takes it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click import Group
from flask import Flask

from favorites.cli.every import EVERY
from favorites.settings import Settings
from tests import try_install
from tests.faults.proxies import FRAME, KINDS, SITE
from tests.faults.tools import path_of
from tests.server import ROOT

DEPLOY, HOW_TO = ROOT / "deploy", ROOT / "docs" / "how-to"
PAGES = sorted(path.name for path in HOW_TO.glob("*.md"))
NAMES = {name.upper() for name in Settings.model_fields}
OTHERS = {"PYTHONUNBUFFERED", "DOMAIN", "UPSTREAM"}
COMMAND = re.compile(
    r"(?:^|[ (\"'`])(?:\.venv/bin/flask|/srv/book-again/\.venv/bin/flask|book-again|flask) "
    r"((?:[a-z][a-z-]+ ?)+)([^\n|`]*)"
)


def texts() -> dict[str, str]:
    """All that is shipped for running it, and its pages."""
    pages = [*DEPLOY.iterdir(), *(HOW_TO / page for page in PAGES)]
    return {str(path.relative_to(ROOT)): path.read_text() for path in pages}


def test_each_file_is_told_of_and_each_setting_named_is_one() -> None:
    told = (DEPLOY / "README.md").read_text()
    shipped = {path.name for path in DEPLOY.iterdir()} - {"README.md", "Dockerfile.dockerignore"}
    assert {name for name in shipped if f"]({name})" not in told} == set()
    for file, text in texts().items():
        for name in re.findall(r"^(?:Environment=|ENV )?([A-Z][A-Z_]{3,})=", text, re.M):
            assert name in NAMES | OTHERS, (file, name)
        for line in re.findall(r"^(?:Environment=|ENV )(.*)$", text, re.M):
            assert set(re.findall(r"([A-Z_]+)=", line)) <= NAMES | OTHERS, (file, line)


def test_each_command_named_there_is_one_with_these_options() -> None:
    ours, found = Group("flask", EVERY), 0
    for file, text in texts().items():
        for words, rest in COMMAND.findall(text):
            command, names = ours, words.split()
            while names and isinstance(command, Group) and names[0] in command.commands:
                command = command.commands[names.pop(0)]
            if command is ours:
                continue  # prose
            options = {option for parameter in command.params for option in parameter.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= options, (file, words, rest)
            found += 1
    assert found > 15


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_says_to_type_is_shell(page: str) -> None:
    for block in try_install.BLOCK.finditer((HOW_TO / page).read_text()):
        told = subprocess.run(["bash", "-n"], input=block["commands"], text=True, capture_output=True, check=False)
        assert (told.returncode, told.stderr) == (0, ""), block["commands"]


def test_the_trial_runs_every_command_but_those_that_need_a_name_of_ones_own() -> None:
    marks = {
        page: [block["mark"] for block in try_install.BLOCK.finditer((HOW_TO / page).read_text())] for page in PAGES
    }
    left_out = {(page, mark) for page in PAGES for mark in marks[page] if mark not in try_install.OURS}
    assert left_out == {
        ("install.md", "with a name"),
        ("install.md", "caddy"),  # played at the end, after nginx
        ("upgrade.md", "back"),  # for when it fails
        ("workshop.md", "example"),
        ("payments.md", "example"),  # without an account of Stripe's
    }
    script = try_install.script()
    for line in ("book-again doctor", 'book-again restore "$backup"', "book-again upgrade", "caddy/Caddyfile"):
        assert line in script


def test_links_of_the_pages_lead_somewhere() -> None:
    for file, text in texts().items():
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (ROOT / file).parent.joinpath(link).exists(), (file, link)


def here(text: str, home: Path) -> str:
    """A unit whose paths are there."""
    python = home / "srv" / ".venv" / "bin"
    python.mkdir(parents=True, exist_ok=True)
    for name in ("python", "flask"):
        (python / name).write_text("#!/bin/sh\n")
        (python / name).chmod(0o755)
    return text.replace("/srv/book-again", str(home / "srv")).replace("User=book-again", "User=daemon")


def test_systemd_takes_the_units_and_finds_the_server_shut_in(tmp_path: Path) -> None:
    units = [path for path in DEPLOY.iterdir() if path.suffix in {".service", ".timer"}]
    for path in units:
        (tmp_path / path.name).write_text(here(path.read_text(), tmp_path))
    line = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / path.name) for path in units)]
    told = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (told.returncode, [line for line in told.stderr.splitlines() if "book-again" in line]) == (0, [])
    line = ["systemd-analyze", "security", "--offline=true", "--threshold=35", str(tmp_path / "book-again.service")]
    told = subprocess.run(line, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-200:]


def test_nginx_takes_the_site_as_it_is_shipped(tmp_path: Path) -> None:
    made = f"-keyout {tmp_path}/privkey.pem -out {tmp_path}/fullchain.pem"
    line = f"openssl req -x509 -newkey rsa:2048 -noenc -days 1 -subj /CN=book.example {made}"
    subprocess.run(line.split(), check=True, capture_output=True)
    site = SITE.read_text().replace("/etc/letsencrypt/live/book.example", str(tmp_path))
    temporary = " ".join(f"{kind}_temp_path {kind};" for kind in KINDS)
    user = "user root;" if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(FRAME.format(site=site, more="", temporary=temporary, user=user))
    line = [str(path_of("nginx")), "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    told = subprocess.run(line, capture_output=True, text=True, check=False)
    assert "test is successful" in told.stderr, told.stderr


def test_the_image_is_built_from_what_it_needs_by_hash_and_serves_as_nobody_special() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    told = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    copied = {rest.split()[0] for word, rest in told if word == "COPY"}
    assert all((ROOT / name).exists() for name in copied)
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text()
    assert {f"!{name}" for name in copied} == set(re.findall(r"^!.*$", allowed, re.M))
    needed = {"app.py", "favorites", "migrations", "templates", "static", "requirements.txt"}
    assert copied == needed
    (install,) = [rest for word, rest in told if word == "RUN" and " pip " in rest]
    assert "--require-hashes" in install
    words = [word for word, _ in told]
    assert words.index("USER") < words.index("CMD")
    assert dict(told)["USER"] == "book-again"


def test_the_images_health_check_is_true_to_the_answer(app: Flask, port: int, poller: None) -> None:
    (check,) = re.findall(r'"-c", "([^"]+)"', (DEPLOY / "Dockerfile").read_text())
    for path, code in (("healthz", 0), ("nowhere", 1)):
        asked = check.replace("127.0.0.1:8000/readyz", f"127.0.0.1:{port}/{path}")
        told = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=False)
        assert told.returncode == code


def test_compose_gives_each_what_it_must_not_lose() -> None:
    told = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    volumes = {name: service["volumes"] for name, service in told["services"].items()}
    kept = {volume.partition(":")[0] for each in volumes.values() for volume in each if not volume.startswith(".")}
    assert kept == set(told["volumes"])
    app = told["services"]["app"]
    assert app["init"] is True
    assert set(app["environment"]) <= NAMES
    assert app["volumes"] == ["keys:/var/lib/book-again"]
    assert (DEPLOY / app["build"]["context"] / app["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert [name for name, service in told["services"].items() if "ports" in service] == ["caddy"]
