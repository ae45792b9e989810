"""Every night at 22:00 UTC: the bank's day that is over (bank_day says which) comes into its database, and from there into the stores."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, CronTriggerTimetable
from tidemark_operator import TidemarkOperator, bank_day

with DAG(
    "bank_daily",
    description="ingest the bank's day, and bring the log into the stores",
    # due at this moment, whatever [scheduler] create_cron_data_intervals says
    schedule=CronTriggerTimetable("0 22 * * *", timezone="UTC"),
    start_date=datetime.fromisoformat(os.environ.get("BANK_FIRST_NIGHT") or "2026-11-01").replace(tzinfo=timezone.utc),
    # a night in which Airflow was down is caught up, one after the other: each has its own --date
    catchup=True,
    max_active_runs=1,
    default_args={"retries": 4, "retry_delay": timedelta(seconds=float(os.environ.get("BANK_RETRY_SECONDS") or 120)), "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
    user_defined_macros={"bank_day": bank_day},
    tags=["bank"],
) as dag:
    # A day corrects and cancels purchases of the days before it, so they go in order: while one has failed, the next waits for it.
    ingest = TidemarkOperator(
        task_id="ingest", arguments=["ingest", "--job", "bank", "--date", "{{ bank_day(dag_run) }}"], depends_on_past=True, execution_timeout=timedelta(hours=1),
    )
    stream = TidemarkOperator(task_id="stream", arguments=["run", "--changes", "bank", "--until", "caught-up"], execution_timeout=timedelta(hours=2))
    ingest >> stream
