"""The `tidemark` command as an Airflow operator, and the bank's day."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

BANK_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def bank_day(dag_run: Any) -> str:
    """
    Returns the bank's newest finished day when the run is due, as YYYY-MM-DD.

    At 22:00 UTC it is 05:00 of the next day in Ho Chi Minh City. So 28 February at 22:00 UTC is
    1 March there, and 28 February is finished. The zone's own clock decides, not an offset of seven
    hours. A run that was started by hand without a date is due now.
    """
    due: datetime = dag_run.data_interval_end or dag_run.run_after
    return (due.astimezone(BANK_ZONE).date() - timedelta(days=1)).isoformat()


# A retry does not repair these errors. A person has to change something.
LASTING = {"CONFIG_NOT_FOUND", "CONFIG_NOT_LOADED", "CONFIG_INVALID", "SECRET_MISSING"}

# The arguments that both DAGs share: `DAG("…", schedule=…, **NIGHTLY)`.
NIGHTLY = {
    "start_date": datetime.fromisoformat(
        os.environ.get("BANK_FIRST_NIGHT") or "2026-11-01"
    ).replace(tzinfo=timezone.utc),
    # A night in which Airflow was down is run later, with its own --date.
    "catchup": True,
    "default_args": {
        "retries": int(os.environ.get("BANK_RETRIES") or 4),
        "retry_delay": timedelta(seconds=float(os.environ.get("BANK_RETRY_SECONDS") or 120)),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
    },
    "user_defined_macros": {"bank_day": bank_day},
    "tags": ["bank"],
}


class TidemarkOperator(BaseOperator):
    """
    Runs `tidemark ARGUMENTS --config … --json`. The result, one JSON object, becomes the XCom. The
    standard error goes to the task's log.

    Three variables of the environment: TIDEMARK is the command (`npx tidemark`), TIDEMARK_CONFIG is
    the configuration (`tidemark.config.ts`), TIDEMARK_DIRECTORY is the working directory. The
    command inherits the environment, where the configuration finds its secrets. No secret is an
    argument.

    Exit code 0 is success. Exit code 2 (a wrong command line) and the codes in LASTING fail the
    task for good. Every other end fails the try. A command may run again after it was killed at any
    point.
    """

    template_fields = ("arguments",)

    def __init__(self, *, arguments: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments
        self.process: subprocess.Popen[str] | None = None

    def execute(self, context: Any) -> dict[str, Any]:
        command = shlex.split(os.environ.get("TIDEMARK") or "npx tidemark")
        config = os.environ.get("TIDEMARK_CONFIG") or "tidemark.config.ts"
        self.log.info("$ tidemark %s", shlex.join(self.arguments))
        with tempfile.TemporaryFile("w+", encoding="utf-8") as result:
            try:
                # A session of its own: the processes that the command starts end with it.
                self.process = subprocess.Popen(
                    [*command, *self.arguments, "--config", config, "--json"],
                    cwd=os.environ.get("TIDEMARK_DIRECTORY") or None,
                    stdin=subprocess.DEVNULL,
                    stdout=result,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                )
            except OSError as error:
                raise AirflowFailException(
                    f"{command[0]} could not be started ({error.strerror}); "
                    "name the command in TIDEMARK, and its directory in TIDEMARK_DIRECTORY"
                ) from error
            try:
                for line in self.process.stderr:
                    self.log.info(line.rstrip())
                code = self.process.wait()
            finally:
                self.on_kill()
            result.seek(0)
            said = last_object(result.read())
        if code == 0:
            return said
        error = said.get("error", {})
        message = (
            f"tidemark {self.arguments[0]} ended with {code}: "
            f"{error.get('code', 'no error code')}: {error.get('message', 'its output is above')}"
        )
        if code == 2 or error.get("code") in LASTING:
            raise AirflowFailException(message)
        raise AirflowException(message)

    def on_kill(self) -> None:
        """
        Ends the command, also when the task has taken too long. At the first signal a command
        closes its stores. Its commits stay.
        """
        process = self.process
        if process is None or process.poll() is not None:
            return
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def last_object(text: str) -> dict[str, Any]:
    """Returns the last line of the text that is a JSON object."""
    for line in reversed(text.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            return said
    return {}
