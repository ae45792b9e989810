"""
Runs every night at 23:00 UTC, after the bank's day is in the stores. It writes the seven weekly
features of every user at the end of that day, into the lake and the online store.

BANK_ENGINE names the engine of the configuration that computes the rows, such as spark. Without it
the worker computes them.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.providers.standard.sensors.external_task import ExternalTaskSensor
from airflow.sdk import DAG, CronTriggerTimetable
from tidemark_operator import NIGHTLY, TidemarkOperator

ENGINE = os.environ.get("BANK_ENGINE")

with DAG(
    "bank_weekly_features",
    description="the last week's features of every user, at the end of the bank's day",
    schedule=CronTriggerTimetable("0 23 * * *", timezone="UTC"),
    max_active_runs=7,
    **NIGHTLY,
):
    # Waits for the whole daily run of the same bank day, which was due an hour before. It waits for
    # a late run and for a failed one: after a repair during the day this run goes on by itself.
    # Between two looks the sensor holds no worker. If the day is not repaired by the next night,
    # the sensor fails.
    daily_is_in = ExternalTaskSensor(
        task_id="daily_is_in",
        external_dag_id="bank_daily",
        execution_delta=timedelta(hours=1),
        mode="reschedule",
        poke_interval=float(os.environ.get("BANK_WAIT_POKE_SECONDS") or 60),
        timeout=float(os.environ.get("BANK_WAIT_HOURS") or 23) * 3600,
    )
    # Several nights that are caught up are materialized one after the other.
    features = TidemarkOperator(
        task_id="features",
        arguments=[
            "materialize",
            "--view",
            "weekly_activity",
            "--date",
            "{{ bank_day(dag_run) }}",
            *(["--engine", ENGINE] if ENGINE else []),
        ],
        max_active_tis_per_dag=1,
        execution_timeout=timedelta(hours=2),
    )
    daily_is_in >> features
