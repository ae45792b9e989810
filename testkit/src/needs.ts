/**
 * Declares what a test needs beyond npm. Tests whose needs are missing are skipped by name; with
 * CI=true a missing need is a failure.
 *
 *     const python = pythonReaders();
 *     suiteNeeding(python, "deltalake reads what we wrote", () => {
 *       test("…", () => { execFileSync(python.path, ["-c", script]); });
 *     });
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { absentImages, composeAnswers, missingForDocker } from "./services/images.ts";
import { chromiumProgram } from "./services/chromium.ts";
import { minioProgram } from "./services/minio.ts";
import { monitoringPrograms } from "./services/prometheus.ts";
import {
  hasJava,
  missingForKafka,
  missingForPostgres,
  missingForTrino,
  sparkJars,
} from "./services/toolchain.ts";
import type { Need } from "./suite-needing.ts";

const root = join(import.meta.dirname, "../..");

export { suiteNeeding } from "./suite-needing.ts";

/**
 * Needs a Python with deltalake, duckdb, polars and pyarrow, as pinned in
 * scripts/python-requirements.txt. TIDEMARK_PYTHON names another one.
 */
export function pythonReaders(): Need & { readonly path: string } {
  const home = join(root, ".tidemark", "python");
  const path =
    process.env["TIDEMARK_PYTHON"] ??
    join(home, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const ready =
    process.env["TIDEMARK_PYTHON"] !== undefined || existsSync(join(home, ".installed"));
  return {
    path,
    missing: ready
      ? null
      : "no Python with deltalake, duckdb and polars; `npm run setup:python` makes one",
  };
}

/**
 * Needs the `airflow` of .tidemark/airflow, as pinned in scripts/airflow-requirements.txt.
 * TIDEMARK_AIRFLOW names another one.
 */
export function airflow(): Need & { readonly path: string } {
  const home = join(root, ".tidemark", "airflow");
  const path = process.env["TIDEMARK_AIRFLOW"] ?? join(home, "bin", "airflow");
  const ready =
    process.env["TIDEMARK_AIRFLOW"] !== undefined || existsSync(join(home, ".installed"));
  return { path, missing: ready ? null : "no Airflow; `npm run setup:python` brings it" };
}

/**
 * Needs the Python of .tidemark/feast, as pinned in scripts/feast-requirements.txt. TIDEMARK_FEAST
 * names another one.
 */
export function feastClient(): Need & { readonly path: string } {
  return pinned(
    "feast",
    process.platform === "win32" ? "Scripts/python.exe" : "bin/python",
    "Feast",
  );
}

/**
 * Needs the `schemathesis` of .tidemark/fuzz, as pinned in scripts/fuzz-requirements.txt.
 * TIDEMARK_FUZZ names another one.
 */
export function schemathesis(): Need & { readonly path: string } {
  return pinned(
    "fuzz",
    process.platform === "win32" ? "Scripts/schemathesis.exe" : "bin/schemathesis",
    "schemathesis",
  );
}

/** Finds a program of an environment that scripts/setup-python.ts makes. */
function pinned(
  environment: string,
  program: string,
  what: string,
): Need & { readonly path: string } {
  const home = join(root, ".tidemark", environment);
  const other = process.env[`TIDEMARK_${environment.toUpperCase()}`];
  return {
    path: other ?? join(home, program),
    missing:
      other !== undefined || existsSync(join(home, ".installed"))
        ? null
        : `no ${what}; \`npm run setup:python -- ${environment}\` brings it`,
  };
}

/**
 * Needs a MinIO built from its Go module, as pinned in testkit/src/services/minio.ts.
 * TIDEMARK_MINIO names another one.
 */
export function minioServer(): Need {
  return {
    missing:
      minioProgram() === null ? "no MinIO; `npm run setup:services` builds one, with Go" : null,
  };
}

/**
 * Needs Chromium, which scripts/setup-services.ts installs. TIDEMARK_CHROMIUM names another one.
 */
export function chromium(): Need {
  return {
    missing: chromiumProgram() === null ? "no Chromium; `npm run setup:services` brings it" : null,
  };
}

/** Needs a real Kafka, which scripts/setup-services.ts installs. */
export function realKafka(): Need {
  return { missing: missingForKafka() };
}

/** Needs a real PostgreSQL. */
export function realPostgres(): Need {
  return { missing: missingForPostgres() };
}

/** Needs real PostgreSQL, Kafka and Kafka Connect with Debezium. */
export function realPipeline(): Need {
  return { missing: missingForPostgres() ?? missingForKafka() };
}

/**
 * Needs Prometheus, promtool and Alertmanager: Debian's packages prometheus and
 * prometheus-alertmanager. TIDEMARK_PROMETHEUS names a folder of their programs.
 */
export function prometheusPrograms(): Need {
  return {
    missing:
      monitoringPrograms() === null
        ? "no Prometheus or Alertmanager; install Debian's packages prometheus and " +
          "prometheus-alertmanager, or name the folder of the programs in TIDEMARK_PROMETHEUS"
        : null,
  };
}

/** Needs Trino, which scripts/setup-services.ts installs. */
export function trinoServer(): Need {
  return { missing: missingForTrino() };
}

/**
 * Needs Spark in the Python of pythonReaders(), and the jars with which Spark reads Delta tables in
 * S3.
 */
export function sparkReader(): Need {
  const { path, missing } = pythonReaders();
  if (missing !== null) return { missing };
  if (
    spawnSync(path, [
      "-c",
      "import importlib.util, sys; sys.exit(importlib.util.find_spec('pyspark') is None)",
    ]).status !== 0
  )
    return { missing: "no PySpark in the Python of the readers; `npm run setup:python` brings it" };
  if (!existsSync(sparkJars))
    return { missing: "no jars for Spark; `npm run setup:services` brings them" };
  return { missing: hasJava() ? null : "no Java 17 or newer for Spark; install one" };
}

/** Needs a Docker engine that has the images of the services. */
export function dockerEngine(): Need {
  const missing = missingForDocker();
  if (missing !== null) return { missing };
  const absent = absentImages();
  return {
    missing:
      absent.length === 0
        ? null
        : `no images ${absent.join(", ")}; \`npm run setup:services\` brings them`,
  };
}

/** Needs a Docker engine with the images and `docker compose`. */
export function composeEngine(): Need {
  return {
    missing:
      dockerEngine().missing ??
      (composeAnswers() ? null : "no `docker compose`; install its plugin"),
  };
}
