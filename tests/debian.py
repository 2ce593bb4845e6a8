"""Programs from Debian's packages, where this machine lets us install them."""

import os
import shutil
import subprocess


def run(*command: str, **environment: str) -> str:
    """Empty when it worked, else its last words that tell of an error."""
    ran = subprocess.run(
        command,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = [f"{command[0]} ended with {ran.returncode}", *ran.stdout.splitlines()]
    return ([line for line in lines if "rror" in line or "E:" in line] or lines)[-1] if ran.returncode else ""


def may_install() -> bool:
    """Whether this is root on a Debian."""
    return not os.geteuid() and shutil.which("apt-get") is not None


def install(*packages: str) -> str:
    """Why it did not work; empty: they are here."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "-qq", "update", **quiet)
    return run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages, **quiet)


def version_of(package: str) -> str:
    """The installed version; empty: it is not here, or this is no Debian."""
    if not shutil.which("dpkg-query"):
        return ""
    asked = ["dpkg-query", "--show", "--showformat", "${Version}", package]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
