"""The peers' own environment, beside the product's: what they need stays out of it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv-peers"
PYTHON = FOLDER / "bin" / "python"
NETWORK = FOLDER / "network.onnx"
REQUIREMENTS = Path(__file__).with_name("peers.txt")


def install() -> None:
    """Make the environment, if it is not there as `peers.txt` has it, and write the network into it.

    Raises RuntimeError where torch would come in: no peer needs it, and it is gigabytes.
    """
    stamp = FOLDER / "installed.txt"
    if stamp.exists() and stamp.read_text() == REQUIREMENTS.read_text() and NETWORK.exists():
        return
    print(f"setting up the peers in {FOLDER.name}", file=sys.stderr)
    uv = Path(sys.executable).with_name("uv")
    links = os.environ.get("UV_FIND_LINKS") or os.environ.get("PIP_FIND_LINKS")
    environment = os.environ | ({"UV_FIND_LINKS": links} if links else {})
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "--quiet", "--allow-existing", "--python", version, FOLDER], check=True)
    command = [uv, "pip", "install", "--python", PYTHON, "--requirements", REQUIREMENTS]
    plan = subprocess.run(
        [*command, "--dry-run"], env=environment, check=True, capture_output=True, text=True
    )
    if "+ torch" in plan.stderr:
        raise RuntimeError(f"the peers would pull torch in:\n{plan.stderr}")
    subprocess.run([*command, "--quiet"], env=environment, check=True)
    subprocess.run([PYTHON, "-m", "benchmarks.serving.network", NETWORK], cwd=ROOT, check=True)
    stamp.write_text(REQUIREMENTS.read_text())
