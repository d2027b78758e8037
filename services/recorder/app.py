"""Wires the recorder: opens the database, then takes the ledger and questions from the bus."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from libs.bus import logs
from libs.bus.process import application, serve
from libs.bus.service import Bus
from libs.contracts.queries import SqlQuery
from services.recorder import handlers
from services.recorder.intake import Intake
from services.recorder.learn import Learning
from services.recorder.record import Recorder
from services.recorder.settings import RecorderSettings
from services.recorder.store import open_store

SERVICE = "recorder"


def run(settings: RecorderSettings) -> None:
    """Run until SIGTERM or SIGINT. Raises SystemExit when the database must not be used."""
    logs.configure(SERVICE, settings.instance, settings.log_level)
    store = open_store(settings)
    bus = Bus(SERVICE, settings)
    intake = Intake(Recorder(store), settings.record_interval, lambda: bus.js)
    questions = ThreadPoolExecutor(2, "query")
    handlers.register(bus.broker, store, questions)

    async def ask(query: SqlQuery) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(questions, lambda: b"".join(store.select(query)))

    learning = Learning(ask, lambda: bus.js, settings.learning_interval)
    app = application(bus)
    app.after_startup(intake.start)
    app.after_startup(learning.start)
    app.on_shutdown(learning.stop)
    app.on_shutdown(intake.drain)

    async def release() -> None:
        questions.shutdown()
        store.close()

    # Not after `serve`: uvicorn ends the process with the signal that stopped it.
    app.after_shutdown(release)
    serve(app, settings)
