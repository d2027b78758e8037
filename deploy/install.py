"""`python3 deploy/install.py VENV LOCKFILE`: a virtual environment with exactly what a lock file names.

Runs on the bare system Python, and on one that is too old for the project, to say so.
"""

import os
import subprocess
import sys

OLDEST = (3, 11)


def main(venv: str, lockfile: str) -> int:
    """Returns the exit code; says on standard error what to do about a failure."""
    if sys.version_info < OLDEST:
        return fail(
            f"TokenRouter needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is {sys.version.split()[0]}.",
            "Install one, or name one that is there: make up PYTHON=python3.12",
        )
    python = os.path.join(venv, "bin", "python")
    if not works(python):
        print(f"Creating {venv} with Python {sys.version.split()[0]}", flush=True)
        command = [sys.executable, "-m", "venv", "--clear", venv]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if made.returncode or not works(python):
            return fail(made.stdout.decode(errors="replace"), "Python's venv module is not complete; on Debian: apt install python3-venv")
    return install(python, lockfile)


def install(python: str, lockfile: str) -> int:
    """Install with pip, saying how far it is and keeping pip's own words for a failure."""
    with open(lockfile) as file:
        total = sum(line[:1].isalnum() for line in file)
    command = [python, "-m", "pip", "install", "--require-hashes", "--no-input", "--progress-bar", "off"]
    pip = subprocess.Popen(
        [*command, "--disable-pip-version-check", "-r", lockfile],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
    )
    assert pip.stdout is not None
    said = []
    seen = 0
    say = Line()
    for line in pip.stdout:
        said.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            say.show("Fetching packages", f"{seen} of {total}")
        elif line.startswith("Installing "):
            say.show("Installing packages", "")
    if pip.wait():
        return fail("".join(said[-40:]), f"pip could not install {lockfile}; its words are above")
    say.show("Packages are installed", "\n")
    return 0


class Line:
    """One line that is written over on a terminal; in a log, a line for each new step."""

    def __init__(self) -> None:
        self._step = ""

    def show(self, step: str, detail: str) -> None:
        if sys.stdout.isatty():
            print(f"\r\033[K{step} {detail}", end="", flush=True)
        elif step != self._step:
            print(step, flush=True)
        self._step = step


def works(python: str) -> bool:
    """Whether there is a usable environment of a Python that is new enough."""
    question = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    try:
        return subprocess.run([python, "-c", question], stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def fail(*texts: str) -> int:
    print("\n" + "\n".join(texts), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
