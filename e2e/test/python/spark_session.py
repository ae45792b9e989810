"""
Runs jobs of tidemark_spark.py in one Spark session. Its argument is the folder of the jars.
Each line of its input is the file of a job, and each job has a line of its output.
"""

import json
import os
import sys

import tidemark_spark
from pyspark.sql import SparkSession, functions

jars = sys.argv[1]
builder = SparkSession.builder.master("local[2,2]")
for name, value in {
    "spark.jars": ",".join(
        os.path.join(jars, jar) for jar in sorted(os.listdir(jars)) if jar.endswith(".jar")
    ),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
print("READY", flush=True)
for line in sys.stdin:
    try:
        tidemark_spark.run_job(spark, functions, tidemark_spark.read_job(spark, line.strip()))
        print("DONE", flush=True)
    except Exception as error:
        print("FAILED " + json.dumps(str(error)), flush=True)
spark.stop()
