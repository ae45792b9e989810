"""Every night at 22:00 UTC: the bank's day that is over (bank_day says which) comes into its database, and from there into the stores."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable
from tidemark_operator import NIGHTLY, TidemarkOperator

with DAG(
    "bank_daily",
    description="load the bank's day, and bring the log into the stores",
    # due at this moment, whatever [scheduler] create_cron_data_intervals says
    schedule=CronTriggerTimetable("0 22 * * *", timezone="UTC"),
    max_active_runs=1,
    **NIGHTLY,
):
    # A day corrects and cancels purchases of the days before it, so they go in order: while one has failed, the next waits for it.
    load = TidemarkOperator(
        task_id="load", arguments=["load", "--job", "bank", "--date", "{{ bank_day(dag_run) }}"], depends_on_past=True, execution_timeout=timedelta(hours=1),
    )
    stream = TidemarkOperator(task_id="stream", arguments=["run", "--changes", "bank", "--until", "caught-up"], execution_timeout=timedelta(hours=2))
    load >> stream
