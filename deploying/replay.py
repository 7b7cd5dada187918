"""`python -m deploying.replay`: the Dockerfile's steps in clean Debian roots, where no Docker engine runs.

Each stage gets a root of its own, made of Debian's packages by mmdebstrap, in which its RUN steps run by chroot;
COPY takes only what `.dockerignore` lets in. Then the entry point is started as the image's user, and asked. It
needs root, Linux, and mmdebstrap (`apt-get install mmdebstrap`). Debian's own Python stands in for that of the base
image, and no file system is made read-only: what it proves is that the steps succeed on a bare system, that nothing
is missing at run time, and that the server answers as that user.
"""

import argparse
import contextlib
import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploying.dockerfile import Instruction, Stage, read

HERE = Path(__file__).resolve().parents[1]
PACKAGES = "python3,python3-venv,ca-certificates"
"""What the base image has and Debian's smallest system has not."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Root:
    """A stage as far as it has come."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH, "HOME": "/root"})
    workdir: str = "/"
    user: str = "0:0"
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    entrypoint: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command that runs `words` within, as its user and in its folder."""
        within = 'cd "$0" && exec "$@"'
        start = ["chroot", f"--userspec={self.user}", str(self.folder), "/bin/sh", "-c", within, self.workdir]
        return [*start, *words]


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay, tell how long each step took, and clean up."""
    parser = argparse.ArgumentParser(prog="python -m deploying.replay", description=__doc__)
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="for the RUN steps alone"
    )
    parser.add_argument(
        "--take", action="append", default=[], metavar="PATH", help="folder to be seen by RUN steps"
    )
    parser.add_argument("--scratch", type=Path, default=None, help="where the roots are made, and removed")
    parser.add_argument("--port", default="18080")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    defaults, stages = read(HERE / "Dockerfile")
    given = defaults | dict(each.split("=", 1) for each in asked.build_arg)
    scratch = Path(tempfile.mkdtemp(dir=asked.scratch, prefix="replay-"))
    try:
        roots: dict[str, Root] = {}
        for stage in stages:
            roots[stage.name] = _replay(stage, roots, scratch, given, asked.env, asked.take)
        image = roots[stages[-1].name]
        _try(image, asked.port)
        print(
            f"the image's root holds {_size_mb(image.folder)} MB; all took {time.monotonic() - began:.0f} s"
        )
    finally:
        _remove(scratch)


def _remove(scratch: Path) -> None:
    """Remove the roots, but never through a mount: what lies behind one is this machine's own."""
    if any(f" {scratch}/" in line for line in Path("/proc/self/mounts").read_text().splitlines()):
        raise SystemExit(f"something is still mounted below {scratch}: unmount it, then remove the folder")
    shutil.rmtree(scratch)


def _replay(
    stage: Stage,
    roots: Mapping[str, Root],
    scratch: Path,
    given: Mapping[str, str],
    environment: Sequence[str],
    taken: Sequence[str],
) -> Root:
    root = _begun(stage, roots, scratch)
    arguments: dict[str, str] = {}
    for each in stage.instructions:
        began = time.monotonic()
        match each.name:
            case "ARG":
                name, _, default = each.text.partition("=")
                arguments[name] = given.get(name, default.strip('"'))
            case "ENV":
                root.environment = root.environment | {
                    name: _filled_in(value, root.environment) for name, value in each.pairs().items()
                }
            case "SHELL":
                root.shell = tuple(each.words)
            case "WORKDIR":
                root.workdir = each.text
                (root.folder / each.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                root.user = each.text
            case "COPY":
                _copy(each, root, roots)
            case "RUN":
                extra = dict(one.split("=", 1) for one in environment)
                with _seen(root.folder, taken):
                    subprocess.run(
                        root.command([*root.shell, each.text]),
                        env=root.environment | arguments | extra,
                        check=True,
                    )
            case "ENTRYPOINT":
                root.entrypoint = tuple(each.words)
            case "HEALTHCHECK":
                root.healthcheck = tuple(Instruction("CMD", {}, each.text.partition("CMD ")[2]).words)
            case "LABEL" | "EXPOSE" | "STOPSIGNAL":
                pass
            case other:
                raise SystemExit(f"the Dockerfile has {other}, which is not replayed here")
        print(f"{stage.name}: {each.name} {each.text[:80]}  {time.monotonic() - began:.1f} s", flush=True)
    return root


def _filled_in(value: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: known.get(found[1], ""), value)


def _begun(stage: Stage, roots: Mapping[str, Root], scratch: Path) -> Root:
    if stage.base in roots:  # another stage goes on from there: nothing else is built upon it here
        return roots[stage.base]
    folder = scratch / stage.name
    began = time.monotonic()
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)],
        check=True,
    )
    print(
        f"{stage.name}: a clean Debian of {_size_mb(folder)} MB  {time.monotonic() - began:.1f} s", flush=True
    )
    with contextlib.suppress(FileNotFoundError):
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    # python:slim has its Python under this name too.
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    return Root(folder)


def _copy(copy: Instruction, root: Root, roots: Mapping[str, Root]) -> None:
    *sources, target = copy.words
    into = root.folder / str(Path(root.workdir, target)).lstrip("/")
    origin = roots[copy.flags["from"]].folder if "from" in copy.flags else HERE
    for source in sources:
        path = origin / source.lstrip("/")
        if path.is_dir():
            ignore = None if "from" in copy.flags else _ignored
            shutil.copytree(path, into, symlinks=True, ignore=ignore, dirs_exist_ok=True)
        else:
            if "from" not in copy.flags and not lets_in(source):
                raise SystemExit(f".dockerignore keeps {source} out, and the Dockerfile copies it")
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, into / path.name)


def lets_in(path: str) -> bool:
    """Return whether `.dockerignore` lets a path of the repository into the build; the last rule that fits decides."""
    allowed = True
    for rule in (HERE / ".dockerignore").read_text().splitlines():
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.lstrip("!").rstrip("/")
        parts = Path(path).parts
        prefixes = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        if pattern.startswith("**/"):
            fits = any(fnmatch.fnmatch(part, pattern[3:]) for part in parts)
        else:
            fits = any(fnmatch.fnmatch(prefix, pattern) for prefix in prefixes)
        if fits:
            allowed = rule.startswith("!")
    return allowed


def _ignored(folder: str, names: list[str]) -> set[str]:
    inside = Path(folder).relative_to(HERE)
    return {name for name in names if not lets_in(str(inside / name))}


@contextlib.contextmanager
def _seen(folder: Path, taken: Sequence[str]) -> Iterator[None]:
    """Let the steps see the kernel's file systems, and folders of this machine, while one runs."""
    places = ["/proc", "/dev", *taken]
    mounted = []
    try:
        for each in places:
            target = folder / each.lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "--rbind", each, str(target)], check=True)
            mounted.append(target)
        yield
    finally:
        for target in reversed(mounted):
            subprocess.run(["umount", "--recursive", "--lazy", str(target)], check=False)


def _try(root: Root, port: str) -> None:
    """Start the entry point as the image's user, ask it, and tell it to stop."""
    environment = root.environment | {"API_PORT": port, "API_HOST": "127.0.0.1"}
    url = f"http://127.0.0.1:{port}"
    photo = (HERE / "samples" / "crack.jpg").read_bytes()
    with _seen(root.folder, []):
        process = subprocess.Popen(root.command(root.entrypoint), env=environment)
        try:
            _wait(url, process)
            healthy = subprocess.run(root.command(root.healthcheck), env=environment, check=False).returncode
            request = urllib.request.Request(f"{url}/detect", photo, {"Content-Type": "image/jpeg"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = answer.read()
            process.send_signal(signal.SIGTERM)
            code = process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()
    if healthy or code or b'"anomaly_id"' not in found:
        raise SystemExit(f"health {healthy}, exit {code}, answer {found[:200]!r}")
    print(f"as user {root.user} the server found cracks on the sample, and ended with status 0 when told")


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=5):
            return
        time.sleep(0.2)
    raise SystemExit("the server did not become ready")


def _size_mb(folder: Path) -> int:
    return sum(each.lstat().st_size for each in folder.rglob("*") if not each.is_dir()) // 10**6


if __name__ == "__main__":
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        sys.exit("this needs root, and mmdebstrap: apt-get install mmdebstrap")
    if "REPLAY_ALONE" not in os.environ:
        # Mounts of a process's own end with it, however it ends.
        os.environ["REPLAY_ALONE"] = "1"
        alone = ["unshare", "--mount", "--propagation", "private"]
        os.execvp(alone[0], [*alone, sys.executable, "-m", "deploying.replay", *sys.argv[1:]])  # noqa: S606
    main()
