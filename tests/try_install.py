"""`make try-install`: the how-to pages, run start to finish in a Debian made for that, with its own systemd.

Needs root on a Debian. What this machine needs to reach Debian's packages and PyPI is lent to the new one and stays
outside the repository. `systemd-nspawn` boots it; neither that nor debootstrap is installed here, only unpacked.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOW_TO = ROOT / "docs" / "how-to"
BLOCK = re.compile(r"^```sh *(?P<mark>[^\n]*)\n(?P<commands>.*?)^```$", re.M | re.S)
OURS = {"", "without a name"}  # marks of blocks that are run
BASE = "systemd,systemd-sysv,dbus"  # what a VPS's Debian has, and a minimal one does not
NAME = "book.example"
PATIENCE = 1800  # seconds
# What pip and OpenSSL of this machine were told; the new one is told the same.
TOLD = re.compile(r"PIP_|SSL_CERT_|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_|https?_proxy|no_proxy", re.I)
LENT = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/xdg/pip",
    "/root/.config/pip",
    "/etc/ssl/certs/ca-certificates.crt",
    "/usr/local/share/ca-certificates",
)

# The unit that plays them: it ends the machine, and leaves what was said.
UNIT = """
[Unit]
Description=The how-to
After=multi-user.target
[Service]
Type=oneshot
WorkingDirectory=/root
ExecStart=/bin/bash -eux /root/how-to.sh
StandardOutput=file:/root/said
StandardError=file:/root/said
ExecStopPost=/bin/sh -c 'echo $EXIT_STATUS > /root/result; systemctl poweroff --no-block'
[Install]
WantedBy=default.target
"""

# What must be true between the pages; not part of them.
AFTER_INSTALL = f"""
here="--resolve {NAME}:443:127.0.0.1 --resolve {NAME}:80:127.0.0.1"
ready() {{ curl -ksSf --retry 60 --retry-delay 1 --retry-all-errors $here https://{NAME}/readyz; }}
ready | grep --quiet '"ok":true'
curl --silent --head $here http://{NAME}/ | grep --quiet --ignore-case "location: https://{NAME}/"
book-again owner add second@{NAME} | grep --quiet 'https://{NAME}/reset/'
test "$(stat --format %a /var/backups/book-again/*.zip)" = 600
systemctl is-active book-again nginx book-again-backup.timer
test "$(systemctl show --property User --value book-again)" = book-again
owners() {{ runuser -u postgres -- psql -At book_again --command "SELECT count(*) FROM users"; }}
test "$(owners)" = 2
"""
AFTER_RESTORE = """
ready
test "$(owners)" = 2
"""
BEFORE_UPGRADE = """
served=$(readlink --canonicalize /srv/book-again)
serves() { readlink --canonicalize "/proc/$(systemctl show --property MainPID --value book-again)/cwd"; }
test "$(serves)" = "$served"
"""
AFTER_UPGRADE = rf"""
ready
test "$(owners)" = 2
now=$(readlink --canonicalize /srv/book-again)
test "$now" != "$served"
test "$(serves)" = "$now"
curl -ksSf $here https://{NAME}/login > /root/page
journalctl --unit book-again --output cat --no-pager | grep '"\[Web\] GET /login 200"' | grep '"request_id": "'
if journalctl --unit book-again --output cat --no-pager | grep "$email"; then exit 1; fi
"""


def commands(page: str, marks: set[str] = OURS) -> str:
    """All that a page says to type, in its order."""
    blocks = BLOCK.finditer((HOW_TO / page).read_text())
    return "\n".join(block["commands"] for block in blocks if block["mark"] in marks)


def script() -> str:
    """The three pages, with the address of this clone for that of the repository, and the questions between."""
    install = re.sub(r"^repository=.*$", "repository=file:///root/repository", commands("install.md"), flags=re.M)
    assert "file:///root/repository" in install
    told = "\n".join(f"export {name}={value!r}" for name, value in os.environ.items() if TOLD.match(name))
    parts = (told, install, AFTER_INSTALL, commands("restore.md"), AFTER_RESTORE, BEFORE_UPGRADE)
    caddy = commands("install.md", {"caddy"}).replace(
        "caddy/Caddyfile\n", "caddy/Caddyfile\nsed -i '/reverse_proxy/i tls internal' /etc/caddy/Caddyfile\n"
    )
    last = f"{caddy}\nready\nsystemctl is-active caddy\n"
    return "\n".join((*parts, commands("upgrade.md"), AFTER_UPGRADE, last))


def unpacked(home: Path, *packages: str) -> Path:
    """Debian packages, unpacked below `home` and not installed."""
    for package in packages:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=home, check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["dpkg", "-x", str(next(home.glob(f"{package}_*.deb"))), str(home / "tools")], check=True)
    return home / "tools"


def make(home: Path) -> Path:
    """The new Debian: its minimal system, systemd, and what this machine lends."""
    tools, root = unpacked(home, "debootstrap"), home / "debian"
    line = ["--variant=minbase", f"--include={BASE},ca-certificates", "bookworm", str(root)]
    where = os.environ | {"DEBOOTSTRAP_DIR": str(tools / "usr/share/debootstrap")}
    subprocess.run([str(tools / "usr/sbin/debootstrap"), *line], env=where, check=True, stdout=subprocess.DEVNULL)
    for path in map(Path, LENT):
        _lend(path, root)
    for path in Path("/etc/apt/apt.conf.d").iterdir():
        if "Acquire" in path.read_text():
            _lend(path, root)
    (root / "root/how-to.sh").write_text(script())
    (root / "etc/systemd/system/how-to.service").write_text(UNIT)
    subprocess.run(["systemctl", f"--root={root}", "enable", "--quiet", "how-to"], check=True)
    return root


def _lend(path: Path, root: Path) -> None:
    target = root / path.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, dirs_exist_ok=True)
    elif path.exists():
        target.unlink(missing_ok=True)
        shutil.copy(path, target)


def shelves() -> Iterator[Path]:
    """Directories from which this machine's pip takes packages."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    for place in re.findall(r"(?:file://)?(/[^\s']+)", told.stdout):
        if Path(place).is_dir():
            yield Path(place).parent if Path(place).name == "simple" else Path(place)


def boot(home: Path, root: Path) -> int:
    """Boots it and waits until it has switched itself off; what the script ended with."""
    tools = unpacked(home, "systemd-container", "systemd")
    libraries = [str(path.parent) for path in tools.rglob("libsystemd-shared-*.so")]
    binds = [f"--bind-ro={path}" for path in shelves()]
    line = ["--register=no", "--keep-unit", "--quiet", f"--bind-ro={ROOT}:/root/repository", *binds, "-D", str(root)]
    subprocess.run(
        [str(tools / "usr/bin/systemd-nspawn"), *line, "--boot"],
        env=os.environ | {"LD_LIBRARY_PATH": ":".join(libraries)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=PATIENCE,
    )
    return int((root / "root/result").read_text() or 1)


def main() -> None:
    """Ends with what the commands ended with; prints all they said when that is not 0, else their last words."""
    if os.geteuid() or not shutil.which("apt-get"):
        sys.exit("This needs root on a Debian.")
    with tempfile.TemporaryDirectory(prefix="book-again-debian-") as directory:
        home = Path(directory)
        root = make(home)
        code = boot(home, root)
        said = (root / "root/said").read_text().splitlines()
        print("\n".join(said if code else said[-40:]))
    print(f"The how-to pages ended with {code}.")
    sys.exit(code)


if __name__ == "__main__":
    main()
