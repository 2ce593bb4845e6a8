"""Lighthouse and the W3C checker: of npm, below .node/, in these versions; node, npm and Java are Debian's."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.debian import install, may_install, run

FOLDER = Path(__file__).resolve().parents[2] / ".node"
VERSIONS = {"lighthouse": "12.8.2", "vnu-jar": "26.9.27"}
LIGHTHOUSE = FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"
VNU = FOLDER / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
PACKAGES = {"node": "nodejs", "npm": "npm", "java": "default-jre-headless"}


def ensure() -> str:
    """Installs what is missing. Empty, or the sentence that says what is missing all the same."""
    if may_install() and (packages := [package for tool, package in PACKAGES.items() if not shutil.which(tool)]):
        print(f"Installing {', '.join(packages)} (once) …", flush=True)
        install(*packages)
    if missing := [tool for tool in PACKAGES if not shutil.which(tool)]:
        return (
            f"The pages are measured with {', '.join(missing)}: Debian's {', '.join(PACKAGES[one] for one in missing)}."
        )
    if _installed() == VERSIONS:
        return ""
    print("Fetching Lighthouse and the W3C checker from npm (once) …", flush=True)
    wanted = [f"{name}@{version}" for name, version in VERSIONS.items()]
    return run("npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--ignore-scripts", *wanted)


def _installed() -> dict[str, str]:
    packages = {name: FOLDER / "node_modules" / name / "package.json" for name in VERSIONS}
    return {name: json.loads(path.read_text())["version"] for name, path in packages.items() if path.exists()}


def unless_vnu() -> str:
    """Why the W3C checker cannot be asked here; empty: it can."""
    if not shutil.which("java"):
        return "there is no Java"
    return "" if VNU.exists() else "`make pages` fetches it"


def java(*arguments: str, given: str = "") -> str:
    """What vnu says, as JSON."""
    command = ["java", "-jar", str(VNU), *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False).stderr
