"""Every night at 23:00 UTC: the week's seven features of every user at the end of the bank's day, into the lake and the online store, once the day itself is in."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, CronTriggerTimetable
from tidemark_operator import NIGHTLY, TidemarkOperator

with DAG(
    "bank_weekly_features",
    description="the last week's features of every user, at the end of the bank's day",
    schedule=CronTriggerTimetable("0 23 * * *", timezone="UTC"),
    max_active_runs=7,
    **NIGHTLY,
):
    # The whole daily run of the same bank day, which was due an hour before. A late one is waited for, and so is a failed one: somebody may mend it during the day,
    # and then this goes on by itself. Between two looks no worker is held. A day that nobody has mended by the next night fails here, by name.
    daily_is_in = ExternalTaskSensor(
        task_id="daily_is_in", external_dag_id="bank_daily", execution_delta=timedelta(hours=1), mode="reschedule",
        poke_interval=float(os.environ.get("BANK_WAIT_POKE_SECONDS") or 60), timeout=float(os.environ.get("BANK_WAIT_HOURS") or 23) * 3600,
    )
    # One at a time, however many nights are caught up.
    features = TidemarkOperator(
        task_id="features", arguments=["materialize", "--view", "weekly_activity", "--date", "{{ bank_day(dag_run) }}"],
        max_active_tis_per_dag=1, execution_timeout=timedelta(hours=2),
    )
    daily_is_in >> features
