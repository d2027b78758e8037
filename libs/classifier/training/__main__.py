"""`python -m libs.classifier.training DATA [FILE]`: fit to the dev part in DATA and write the model file."""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from libs.classifier.modelfile import PATH, write
from libs.classifier.training.data import rows_of
from libs.classifier.training.fit import features_of, fit


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("file", type=Path, nargs="?", default=PATH)
    given = arguments.parse_args()
    started = time.monotonic()
    rows = rows_of(given.data, "dev")
    meta = json.loads((given.data / "models.json").read_text())
    command = "python -m libs.classifier.training DATA"
    header, arrays = fit(rows, features_of(rows), np.arange(len(rows)), meta, given.data, command)
    write(given.file, header, arrays)
    print(f"{given.file}: {given.file.stat().st_size / 2**20:.1f} MiB, {len(rows)} prompts, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
