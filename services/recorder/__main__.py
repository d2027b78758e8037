"""Runs the recorder."""

from libs.bus.settings import load
from services.recorder.app import run
from services.recorder.settings import RecorderSettings

if __name__ == "__main__":
    run(load(RecorderSettings))
