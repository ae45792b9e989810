"""
Runs every night at 22:00 UTC. It loads the bank's finished day into the database, and then the log
into the stores. `bank_day` says which day that is.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable
from tidemark_operator import NIGHTLY, TidemarkOperator

with DAG(
    "bank_daily",
    description="load the bank's day, and bring the log into the stores",
    # The setting create_cron_data_intervals of [scheduler] does not move this moment.
    schedule=CronTriggerTimetable("0 22 * * *", timezone="UTC"),
    max_active_runs=1,
    **NIGHTLY,
):
    # A day corrects and cancels purchases of earlier days, so the days are loaded in order. If a
    # day fails, the next day waits for it.
    load = TidemarkOperator(
        task_id="load",
        arguments=["load", "--job", "bank", "--date", "{{ bank_day(dag_run) }}"],
        depends_on_past=True,
        execution_timeout=timedelta(hours=1),
    )
    stream = TidemarkOperator(
        task_id="stream",
        arguments=["run", "--changes", "bank", "--until", "caught-up"],
        execution_timeout=timedelta(hours=2),
    )
    load >> stream
