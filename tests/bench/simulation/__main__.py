"""`make simulate`: how good the router's choices are while speeds drift, providers fail, prices change and limits are reached."""

import argparse
import json
import time
from pathlib import Path

from tests.bench.simulation.picture import picture
from tests.bench.simulation.report import summed_up, table
from tests.bench.simulation.run import simulated


def main() -> None:
    options = _options()
    begun = time.process_time()
    played = simulated(options.seed, options.requests)
    figures = summed_up(played)
    print(table(figures, options.requests, options.seed))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"seed": options.seed, "requests": options.requests, "strategies": figures}, indent=1) + "\n")
    drawing = options.out.with_suffix(".svg")
    drawing.write_text(picture(played))
    print(f"\n{time.process_time() - begun:.0f} s of CPU; all figures: {options.out}, a picture: {drawing}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench.simulation", description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("var/simulation.json"), help="where all figures go (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
