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
    The bank's newest day that is over when the run is due, YYYY-MM-DD. At 22:00 UTC it is 05:00 of the next day in Ho Chi Minh City, so that is the day that
    has the date of UTC: 28 February at 22:00 UTC is 1 March there, and 28 February is whole. By the clocks of the zone, not by adding seven hours to anything.

    A run that was started by hand without a date of its own is due now.
    """
    due: datetime = dag_run.data_interval_end or dag_run.run_after
    return (due.astimezone(BANK_ZONE).date() - timedelta(days=1)).isoformat()


# No retry heals these: somebody has to change something.
LASTING = {"CONFIG_NOT_FOUND", "CONFIG_NOT_LOADED", "CONFIG_INVALID", "SECRET_MISSING"}

# What both DAGs share: `DAG("…", schedule=…, **NIGHTLY)`.
NIGHTLY = {
    "start_date": datetime.fromisoformat(os.environ.get("BANK_FIRST_NIGHT") or "2026-11-01").replace(tzinfo=timezone.utc),
    # a night in which Airflow was down is caught up: each has its own --date
    "catchup": True,
    "default_args": {
        "retries": int(os.environ.get("BANK_RETRIES") or 4), "retry_delay": timedelta(seconds=float(os.environ.get("BANK_RETRY_SECONDS") or 120)),
        "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30),
    },
    "user_defined_macros": {"bank_day": bank_day},
    "tags": ["bank"],
}


class TidemarkOperator(BaseOperator):
    """
    Runs `tidemark ARGUMENTS --config … --json`; its result, one JSON object, becomes the XCom. What it says on stderr goes to the task's log.

    From the environment: TIDEMARK, the command (`npx tidemark`); TIDEMARK_CONFIG (`tidemark.config.ts`); TIDEMARK_DIRECTORY, where it runs. The command inherits
    the environment, and with it what the configuration's secrets refer to: none is ever an argument.

    Exit code 0 is success. 2, a command line that is wrong, and the codes in LASTING fail the task for good. Anything else fails the try; every command may be run
    again after it was killed at any point.
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
                # a session of its own: what it starts ends with it
                self.process = subprocess.Popen(
                    [*command, *self.arguments, "--config", config, "--json"], cwd=os.environ.get("TIDEMARK_DIRECTORY") or None,
                    stdin=subprocess.DEVNULL, stdout=result, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", start_new_session=True,
                )
            except OSError as error:
                raise AirflowFailException(f"{command[0]} could not be started ({error.strerror}); name the command in TIDEMARK, and its directory in TIDEMARK_DIRECTORY") from error
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
        message = f"tidemark {self.arguments[0]} ended with {code}: {error.get('code', 'no error code')}: {error.get('message', 'its output is above')}"
        if code == 2 or error.get("code") in LASTING:
            raise AirflowFailException(message)
        raise AirflowException(message)

    def on_kill(self) -> None:
        """Also when the task has taken too long. At the first signal a command puts its things in order; what it has committed stays."""
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
    """The last line of it that is a JSON object."""
    for line in reversed(text.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict):
            return said
    return {}
