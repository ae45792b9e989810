"""
Computes a training set of Tidemark on Spark: spark-submit tidemark_spark.py job.json

It reads pinned versions of the Delta tables of a history, brings the rows of each entity together,
sorted, and feeds them to Tidemark's own kernel, a Node process for each task. So the answers have
the bits of every other engine. The job says all that is computed; this file needs no package of
Tidemark, and only pyarrow and pandas beside PySpark.

Lines for the caller begin with "TIDEMARK ", and then have JSON.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import threading
import uuid
from collections import deque

FORMAT = "tidemark-kernel/1"
HELLO, ROWS, DIMENSION, ANSWERS, END, ERROR = 1, 2, 3, 4, 5, 6
MAX_FRAME_BYTES = 2**30
LEAST_NODE = (22, 18)
# the columns of a frame of rows before the keys
ROW_COLUMNS = ["_label", "_part", "_at", "_from", "_to"]
STATUSES = ["PRESENT", "NULL_VALUE", "NOT_FOUND", "OUTSIDE_MAX_AGE"]


class TidemarkError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")


# ---- the wire tidemark-kernel/1 ----


def frame(kind, body):
    """A frame: its kind, the length of its body, and the body."""
    length = sum(len(part) for part in body)
    padding = -length % 8
    if length + padding > MAX_FRAME_BYTES:
        raise TidemarkError("KERNEL_FRAME_INVALID", f"a frame would have {length} bytes")
    return b"".join([struct.pack("<II", kind, length + padding), *body, bytes(padding)])


def json_frame(kind, value):
    text = json.dumps(value).encode()
    return frame(kind, [text + b" " * (-len(text) % 8)])


def put(body, buffer, length=None):
    """Adds a buffer with its length before it, up to a multiple of 8."""
    view = memoryview(b"" if buffer is None else buffer)
    view = view.cast("B")[: len(view) if length is None else length]
    body.append(struct.pack("<II", len(view), 0))
    body.append(view)
    if len(view) % 8:
        body.append(bytes(-len(view) % 8))


def put_bytes(body, array, length):
    """Adds the offsets and the bytes of an array of texts or bytes."""
    import pyarrow as pa

    if length == 0:
        put(body, struct.pack("<i", 0))
        put(body, b"")
        return
    if array.offset != 0:
        array = pa.concat_arrays([array])
    _, offsets, data = array.buffers()
    put(body, offsets, 4 * (length + 1))
    put(body, data)


WIDTHS = {"boolean": 1, "int32": 4, "date": 4, "int64": 8, "timestamp": 8, "float64": 8, "decimal": 16}


def put_column(body, array, kind):
    """Adds a column as Arrow lays it out."""
    import pyarrow as pa

    length = len(array)
    if kind in ("string", "json"):
        coded = array.cast(pa.string()).dictionary_encode()
        put_validity(body, coded.indices)
        put(body, whole(coded.indices).buffers()[1], 4 * length)
        put_bytes(body, coded.dictionary, len(coded.dictionary))
        return
    if kind == "bytes":
        array = whole(array.cast(pa.binary()))
        put_validity(body, array)
        put_bytes(body, array, length)
        return
    if kind == "boolean":
        array = array.cast(pa.int8())
    array = whole(array)
    if array.type.bit_width != 8 * WIDTHS[kind]:
        raise TidemarkError("KERNEL_FRAME_INVALID", f"a column of {kind} is {array.type}")
    put_validity(body, array)
    put(body, array.buffers()[1], WIDTHS[kind] * length)


def whole(array):
    import pyarrow as pa

    return array if array.offset == 0 else pa.concat_arrays([array])


def put_validity(body, array):
    array = whole(array)
    bitmap = array.buffers()[0] if array.null_count else None
    put(body, bitmap, None if bitmap is None else (len(array) + 7) // 8)


class Buffers:
    """Reads the buffers of a frame."""

    def __init__(self, body):
        self.body = body
        self.at = 8
        (self.rows,) = struct.unpack_from("<I", body, 0)

    def next(self):
        import pyarrow as pa

        (length,) = struct.unpack_from("<I", self.body, self.at)
        start = self.at + 8
        self.at = start + length + -length % 8
        if self.at > len(self.body):
            raise TidemarkError("KERNEL_FRAME_INVALID", "a buffer is longer than its frame")
        return pa.py_buffer(self.body)[start : start + length]

    def validity(self):
        buffer = self.next()
        return None if len(buffer) == 0 else buffer

    def column(self, spec, length):
        """The next column, as an Arrow array of the type."""
        import pyarrow as pa

        kind, valid = spec["type"], self.validity()
        if kind in ("string", "json"):
            codes = pa.Array.from_buffers(pa.int32(), length, [valid, self.next()])
            return pa.DictionaryArray.from_arrays(codes, self.texts(pa.string())).dictionary_decode()
        if kind == "bytes":
            offsets, data = self.next(), self.next()
            return pa.Array.from_buffers(pa.binary(), length, [valid, offsets, data])
        if kind == "boolean":
            return pa.Array.from_buffers(pa.int8(), length, [valid, self.next()]).cast(pa.bool_())
        if kind in WIDTHS:
            return pa.Array.from_buffers(arrow_type(spec), length, [valid, self.next()])
        if kind == "struct":
            fields = [self.column(field, length) for field in spec["fields"]]
            return pa.Array.from_buffers(arrow_type(spec), length, [valid], children=fields)
        offsets = self.next()
        count = struct.unpack_from("<i", offsets, 4 * length)[0]
        if kind == "list":
            child = self.column(spec["element"], count)
        else:
            keys, values = self.column(spec["keys"], count), self.column(spec["values"], count)
            entry = arrow_type(spec)
            child = pa.Array.from_buffers(
                pa.struct([entry.key_field, entry.item_field]), count, [None], children=[keys, values]
            )
        return pa.Array.from_buffers(arrow_type(spec), length, [valid, offsets], children=[child])

    def texts(self, of):
        import pyarrow as pa

        offsets, data = self.next(), self.next()
        return pa.Array.from_buffers(of, len(offsets) // 4 - 1, [None, offsets, data])


def arrow_type(spec):
    import pyarrow as pa

    kind = spec["type"]
    if kind == "list":
        return pa.list_(pa.field("element", arrow_type(spec["element"])))
    if kind == "map":
        return pa.map_(
            pa.field("key", arrow_type(spec["keys"]), nullable=False),
            pa.field("value", arrow_type(spec["values"])),
        )
    if kind == "struct":
        return pa.struct([pa.field(f["name"], arrow_type(f)) for f in spec["fields"]])
    if kind == "decimal":
        return pa.decimal128(spec.get("precision", 38), spec.get("scale", 0))
    return {
        "string": pa.string(),
        "json": pa.string(),
        "bytes": pa.binary(),
        "boolean": pa.bool_(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[kind]


def spark_type(spec, stored=False):
    """The type of a column in Spark. Stored times of a history are whole numbers of µs."""
    from pyspark.sql import types as T

    kind = spec["type"]
    if kind == "list":
        return T.ArrayType(spark_type(spec["element"]))
    if kind == "map":
        return T.MapType(spark_type(spec["keys"]), spark_type(spec["values"]))
    if kind == "struct":
        return T.StructType([T.StructField(f["name"], spark_type(f)) for f in spec["fields"]])
    if kind == "decimal":
        return T.DecimalType(spec.get("precision", 38), spec.get("scale", 0))
    if kind == "timestamp":
        return T.LongType() if stored else T.TimestampType()
    return {
        "string": T.StringType(),
        "json": T.StringType(),
        "bytes": T.BinaryType(),
        "boolean": T.BooleanType(),
        "int32": T.IntegerType(),
        "int64": T.LongType(),
        "float64": T.DoubleType(),
        "date": T.DateType(),
    }[kind]


# ---- the task: one kernel process ----


def kernel_of(view, kernel, metadata, dimensions, counters):
    """Makes the function that Spark calls with the sorted batches of a task."""
    columns = view["columns"]
    types = view["types"]
    hello = json_frame(HELLO, {"format": FORMAT, "job": view["kernel"]})

    def run(batches):
        command = kernel_command(kernel)
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        asked = deque()  # the numbers of the entity rows, in the order of the answers
        failures = []
        errors = []

        def feed():
            try:
                child.stdin.write(hello)
                for frames in [] if dimensions is None else dimensions.value:
                    child.stdin.write(frames)
                for batch in batches:
                    if batch.num_rows == 0:
                        continue
                    labels = batch.column(0)
                    rows = batch.column(batch.num_columns - 1).filter(labels)
                    if len(rows) > 0:
                        asked.append(rows)
                    body = [struct.pack("<II", batch.num_rows, 0)]
                    for i, kind in enumerate(columns):
                        put_column(body, batch.column(i), kind)
                    child.stdin.write(frame(ROWS, body))
                child.stdin.write(json_frame(END, {}))
                child.stdin.close()
            except BrokenPipeError:
                pass  # the child is gone; its end says why
            except BaseException as error:
                failures.append(error)
                child.kill()

        reader = threading.Thread(target=lambda: errors.append(child.stderr.read()), daemon=True)
        reader.start()
        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        ended = None
        try:
            while ended is None:
                kind, body = read_frame(child.stdout)
                if kind is None:
                    break
                if kind == HELLO:
                    check_hello(json.loads(body), kernel)
                elif kind == ERROR:
                    error = json.loads(body)
                    raise TidemarkError(error["code"], error["message"])
                elif kind == END:
                    ended = json.loads(body)
                elif kind == ANSWERS:
                    yield answer_batch(body, types, metadata, asked)
                    counters["answered"].add(struct.unpack_from("<I", body, 0)[0])
                else:
                    raise TidemarkError("KERNEL_FRAME_INVALID", f"a frame has the kind {kind}")
            if ended is None:
                child.wait()
                reader.join(1)
                if failures:
                    raise failures[0]
                text = b"".join(errors).decode(errors="replace").strip()[-500:]
                raise TidemarkError(
                    "KERNEL_DIED",
                    f"the kernel process ended with {child.returncode} before it had answered: {text}",
                )
            feeder.join()
            if failures:
                raise failures[0]
            if asked:
                raise TidemarkError("KERNEL_FRAME_INVALID", "entity rows were left without answers")
            if ended["overflows"] > 0:
                counters["overflows"].add(ended["overflows"])
            counters["longestRun"].add(ended["longestRun"])
        finally:
            child.kill()
            child.wait()

    return run


def kernel_command(kernel):
    """The command of the kernel on this machine, whose file is the one of the job."""
    from pyspark import SparkFiles

    node, file = kernel["node"], kernel["file"]
    if kernel["archive"] is not None:
        folder = SparkFiles.get(kernel["archive"])
        node, file = os.path.join(folder, node), os.path.join(folder, file)
    elif kernel["shipped"]:
        file = SparkFiles.get(os.path.basename(file))
    try:
        with open(file, "rb") as program:
            sha256 = hashlib.sha256(program.read()).hexdigest()
    except OSError as error:
        raise TidemarkError("KERNEL_MISMATCH", f"there is no kernel {file}: {error.strerror}")
    if sha256 != kernel["sha256"]:
        raise TidemarkError(
            "KERNEL_MISMATCH",
            f"the kernel {file} is not the one of the job; make the archive and the job again",
        )
    check_node(node)
    return [node, *kernel["flags"], file]


def check_node(node):
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60)
    except OSError as error:
        raise TidemarkError(
            "KERNEL_MISMATCH",
            f"Node does not start as {node}: {error.strerror}; name it in sparkEngine({{ node }}), "
            "or bring it with tidemark engine pack",
        )
    version = said.stdout.strip()
    if not version.startswith("v") or tuple(map(int, version[1:].split(".")[:2])) < LEAST_NODE:
        text = version or said.stderr.strip()[-300:]
        raise TidemarkError(
            "KERNEL_MISMATCH",
            f"{node} says {text}, and the kernel needs Node 22.18 or newer; bring it with "
            "tidemark engine pack",
        )


def check_hello(hello, kernel):
    if hello.get("format") != FORMAT or hello.get("sha256") != kernel["sha256"]:
        raise TidemarkError(
            "KERNEL_MISMATCH",
            "the kernel on this machine is not the one of the job; send the job again",
        )


def read_frame(stream):
    """The next frame. Its kind is None where the stream ends, within a frame too."""
    head = read_bytes(stream, 8)
    if head is None:
        return None, None
    kind, length = struct.unpack("<II", head)
    if length > MAX_FRAME_BYTES:
        raise TidemarkError("KERNEL_FRAME_INVALID", f"a frame has {length} bytes")
    body = read_bytes(stream, length)
    return (None, None) if body is None else (kind, body)


def read_bytes(stream, length):
    parts = []
    while length > 0:
        part = stream.read(length)
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def answer_batch(body, types, metadata, asked):
    """The answers of a frame beside the numbers of their entity rows."""
    import pyarrow as pa

    buffers = Buffers(body)
    rows = buffers.rows
    arrays, names = [], []
    for f, spec in enumerate(types):
        values = buffers.column(spec, rows)
        buffers.validity()
        statuses = pa.Array.from_buffers(pa.int8(), rows, [None, buffers.next()])
        times = buffers.column({"type": "timestamp"}, rows)
        arrays += [values, statuses, times] if metadata else [values]
        names += [f"v{f}", f"s{f}", f"t{f}"] if metadata else [f"v{f}"]
    numbers, missing = [], rows
    while missing > 0:
        if not asked:
            raise TidemarkError("KERNEL_FRAME_INVALID", "there are more answers than entity rows")
        first = asked[0]
        taken = min(missing, len(first))
        numbers.append(first.slice(0, taken))
        missing -= taken
        if taken == len(first):
            asked.popleft()
        else:
            asked[0] = first.slice(taken)
    return pa.RecordBatch.from_arrays([pa.concat_arrays(numbers), *arrays], names=["_row", *names])


# ---- the job ----


def say(**what):
    print("TIDEMARK " + json.dumps(what), flush=True)


def counted_versions(F, table):
    """The versions of a table that belong to windows: neither deleted nor quarantined."""
    quarantine, unresolved = F.col("_quarantine"), F.col("_unresolved")
    names = F.array(*[F.lit(name) for name in table["declared"]])
    elsewhere = (
        unresolved.isNotNull()
        & quarantine.endswith("TOAST_UNRESOLVED")
        & (F.size(F.array_intersect(F.split(unresolved, "\n"), names)) == 0)
    )
    return ~F.col("_deleted") & (quarantine.isNull() | elsewhere)


def read_table(spark, F, job, table):
    reader = spark.read.format("delta").option("versionAsOf", table["version"])
    return reader.load(f"{job['lake']}/{table['table']}").where(counted_versions(F, table))


def key_column(F, name, spec):
    """A key as its entity has it, so that equal keys are equal to Spark too."""
    column = F.col(f"`{name}`").cast(spark_type(spec, stored=True))
    return column + F.lit(0.0) if spec["type"] == "float64" else column


def view_rows(spark, F, job, view, labels):
    """Events and entity rows of a view as rows with the same columns."""
    null = lambda spec: F.lit(None).cast(spark_type(spec, stored=True))
    own = [spec for part in view["parts"] for spec in part["specs"]]
    keys = view["keys"]
    asked = labels.select(
        F.lit(True).alias("_label"),
        F.lit(0).alias("_part"),
        F.col("_at"),
        F.lit(None).cast("long").alias("_from"),
        F.lit(None).cast("long").alias("_to"),
        *[key_column(F, key["label"], key).alias(f"_k{k}") for k, key in enumerate(keys)],
        *[null(spec).alias(f"_c{c}") for c, spec in enumerate(own)],
        F.col("_row"),
    )
    few = None
    if job["entities"]["rows"] <= 100_000:
        few = F.broadcast(asked.select(*[f"_k{k}" for k in range(len(keys))]).distinct())
    rows = asked
    before = 0
    for p, part in enumerate(view["parts"]):
        if part["table"] is None:
            before += len(part["specs"])
            continue
        versions = read_table(spark, F, job, part)
        dimension = part["time"] is None
        known = job["knowledge"] == "as-known" or dimension
        versions = versions.where(F.col("_known_from").isNotNull() if known else F.col("_known_to").isNull())
        at = F.col("_known_from" if dimension else f"`{part['time']}`")
        versions = versions.where(at.isNotNull() & (at <= F.lit(job["entities"]["latest"])))
        if view["reach"] is not None:
            versions = versions.where(at >= F.lit(job["entities"]["earliest"] - view["reach"]))
        for name in part["keys"]:
            versions = versions.where(F.col(f"`{name}`").isNotNull())
        mine = range(before, before + len(part["specs"]))
        before += len(part["specs"])
        events = versions.select(
            F.lit(False).alias("_label"),
            F.lit(p).alias("_part"),
            at.alias("_at"),
            (F.col("_known_from") if known else F.lit(None).cast("long")).alias("_from"),
            (F.col("_known_to") if known else F.lit(None).cast("long")).alias("_to"),
            *[
                key_column(F, name, key).alias(f"_k{k}")
                for k, (name, key) in enumerate(zip(part["keys"], keys))
            ],
            *[
                F.col(f"`{part['columns'][c - mine.start]}`").alias(f"_c{c}")
                if c in mine
                else null(spec).alias(f"_c{c}")
                for c, spec in enumerate(own)
            ],
            F.lit(None).cast("long").alias("_row"),
        )
        if few is not None:
            events = events.join(few, [f"_k{k}" for k in range(len(keys))], "left_semi")
        # a join moves its columns to the front
        rows = rows.union(events.select(*rows.columns))
    return rows


def cut_by_time(spark, F, job, view, rows):
    """
    Gives each row of a hot entity the slab of time to which it belongs, and the others slab 0. So a
    hot entity comes in several pieces, each of which has all events of its entity rows.

    An entity row at t is of the slab of t - 1. An event at e can only count at times of [e + 1, e +
    reach], so it is copied into the slabs of e to e + reach - 1 (law 1: the event at t is excluded).
    A fact may be of any time, so views of facts stay whole.
    """
    hot_rows, reach = job["split"]["hotRows"], view["reach"]
    if hot_rows is None or reach is None:
        return view, rows
    keys = [f"_k{k}" for k in range(len(view["keys"]))]
    sizes = rows.groupBy(*keys).agg(
        F.count("*").alias("_count"), (F.max("_at") - F.min("_at")).alias("_span")
    )
    hot = sizes.where(F.col("_count") > hot_rows)
    found = hot.collect()
    if not found:
        return view, rows
    # the densest entity has about as many rows in a slab as an entity that is not hot
    length = max(reach, 1, min(one["_span"] * hot_rows // one["_count"] for one in found))
    known = F.broadcast(
        spark.createDataFrame(found, hot.schema).select(*keys, F.lit(True).alias("_hot"))
    )
    slab = lambda time: f"(({time}) - pmod({time}, {length})) div {length}"
    first = F.when(F.col("_label"), F.expr(slab("_at - 1"))).otherwise(F.expr(slab("_at")))
    last = F.when(F.col("_label"), first).otherwise(F.expr(slab(f"_at + {max(reach, 1) - 1}")))
    slabs = F.when(F.col("_hot"), F.sequence(first, last)).otherwise(F.array(F.lit(0).cast("long")))
    key = len(ROW_COLUMNS) + len(keys)
    names = rows.columns
    cut = rows.join(known, keys, "left").select(
        *names[:key], F.explode(slabs).alias(f"_k{len(keys)}"), *names[key:]
    )
    # to the kernel the slab is one more key
    own = {"name": "", "database": "", "type": "int64", "nullable": False}
    kernel = {**view["kernel"], "keys": [*view["kernel"]["keys"], own]}
    columns = [*view["columns"][:key], "int64", *view["columns"][key:]]
    return {**view, "kernel": kernel, "columns": columns, "keys": [*view["keys"], own]}, cut


def dimension_frames(spark, F, job, view):
    """The rows of each dimension that a view looks up, as frames."""
    frames = []
    for d, dimension in enumerate(view["dimensions"]):
        if dimension["table"] is None:
            continue
        versions = read_table(spark, F, job, dimension).where(F.col("_known_from").isNotNull())
        names = ["_known_from", "_known_to", *dimension["columns"]]
        table = versions.select(*[F.col(f"`{name}`").alias(f"d{i}") for i, name in enumerate(names)])
        for batch in table.toArrow().to_batches(max_chunksize=65_536):
            body = [struct.pack("<II", batch.num_rows, d)]
            for i, kind in enumerate(["timestamp", "timestamp", *dimension["types"]]):
                put_column(body, batch.column(i), kind)
            frames.append(frame(DIMENSION, body))
    return frames


def answers_of(spark, F, job, view, labels, count, counters):
    from pyspark.sql import types as T

    view, rows = cut_by_time(spark, F, job, view, view_rows(spark, F, job, view, labels))
    keys = [f"_k{k}" for k in range(len(view["keys"]))]
    # the sort is over the keys first, so that each entity comes in one piece
    sorted_rows = rows.repartition(count, *keys).sortWithinPartitions(*keys, "_at")
    frames = dimension_frames(spark, F, job, view)
    dimensions = spark.sparkContext.broadcast(frames) if frames else None
    metadata = job["output"]["metadata"]
    fields = [T.StructField("_row", T.LongType())]
    for f, spec in enumerate(view["types"]):
        fields.append(T.StructField(f"v{f}", spark_type(spec)))
        if metadata:
            fields.append(T.StructField(f"s{f}", T.ByteType()))
            fields.append(T.StructField(f"t{f}", T.TimestampType()))
    run = kernel_of(view, job["kernel"], metadata, dimensions, counters)
    answers = sorted_rows.mapInArrow(run, T.StructType(fields))
    selected = [F.col("_row")]
    for name, f in view["outputs"]:
        selected.append(F.col(f"v{f}").alias(name))
        if metadata:
            status = F.element_at(F.array(*[F.lit(s) for s in STATUSES]), F.col(f"s{f}") + 1)
            selected.append(status.alias(f"{name}__status"))
            selected.append(F.col(f"t{f}").alias(f"{name}__event_timestamp"))
    return answers.select(*selected)


def with_answers(F, rows, answers):
    """Adds answers to rows. A row without an answer fails its task, before anything is committed."""
    joined = rows.join(answers.withColumn("_answered", F.lit(True)), "_row", "left")
    missing = F.raise_error(F.lit("KERNEL_FRAME_INVALID: an entity row has no answer; report this"))
    row = F.when(F.col("_answered"), F.col("_row")).otherwise(missing.cast("long"))
    return joined.withColumn("_row", row).drop("_answered")


def training_set(spark, F, job, counters):
    labels = spark.read.parquet(job["entities"]["uri"])
    count = job["split"]["count"] or max(2 * spark.sparkContext.defaultParallelism, 1)
    result = labels.select("_row", *[f"`{name}`" for name in job["entities"]["columns"]])
    for view in job["views"]:
        answers = answers_of(spark, F, job, view, labels, count, counters)
        result = with_answers(F, result, answers)
    # the rows of a file are neighbours, in their order
    size = max(1, -(-job["entities"]["rows"] // count))
    result = result.withColumn("_file", F.floor(F.col("_row") / size)).repartition(count, "_file")
    names = [*job["entities"]["columns"], *job["output"]["columns"], "_row"]
    return result.sortWithinPartitions("_row").select(*[f"`{name}`" for name in names])


class Output:
    """The folder of the training set, wherever Spark reaches it."""

    def __init__(self, spark, job):
        jvm = spark.sparkContext._jvm
        self.spark, self.job, self.out = spark, job, job["output"]["uri"]
        self.rows = job["entities"]["rows"]
        self.path = lambda text: jvm.org.apache.hadoop.fs.Path(text)
        self.text = lambda stream: jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        conf = spark.sparkContext._jsc.hadoopConfiguration()
        self.files = self.path(self.out).getFileSystem(conf)

    def exists(self, place):
        return self.files.exists(self.path(place))

    def owner(self):
        """The job that made the folder: None if there is no folder, "" if no job says so."""
        if not self.exists(self.out):
            return None
        # Spark's own readers skip files whose name begins so
        marker = f"{self.out}/_tidemark.json"
        if not self.exists(marker):
            return ""
        stream = self.files.open(self.path(marker))
        try:
            return json.loads(self.text(stream) or "{}").get("id", "")
        finally:
            stream.close()

    def mark(self, folder):
        marker = self.files.create(self.path(f"{folder}/_tidemark.json"), False)
        marker.write(bytearray(json.dumps({"id": self.job["id"], "rows": self.rows}).encode()))
        marker.close()

    def is_mine(self):
        """Whether the job has the folder already. A folder of another one is refused."""
        found = self.owner()
        if found is not None and found != self.job["id"]:
            raise TidemarkError(
                "OUT_EXISTS", f"{self.out} exists; remove it, or give another place"
            )
        return found is not None


def committed(spark, F, job, result):
    """Writes the training set once. False: the job has done so before."""
    output = Output(spark, job)
    commit = committed_delta if job["output"]["format"] == "delta" else committed_parquet
    return commit(spark, F, output, result)


def committed_parquet(spark, F, output, result):
    """Writes files beside the output, counts them, and moves them there by one rename."""
    if output.is_mine():
        return False
    staging = f"{output.out}.{output.job['id']}-{uuid.uuid4().hex[:8]}"
    try:
        result.write.parquet(staging)
        check_rows(spark.read.parquet(staging).count(), output.rows)
        output.mark(staging)
        # another attempt of the job may have been faster: then a rename would move into its folder
        if output.is_mine():
            return False
        if not output.files.rename(output.path(staging), output.path(output.out)):
            raise TidemarkError("OUT_EXISTS", f"{staging} could not be renamed to {output.out}")
        return True
    finally:
        if output.exists(staging):
            output.files.delete(output.path(staging), True)


def committed_delta(spark, F, output, result):
    """
    Writes the files of a new Delta table and its first version, which makes them appear. So it needs
    no rename, which an object store does not have.
    """

    def is_done():
        return output.exists(f"{output.out}/_delta_log/00000000000000000000.json")

    if not output.is_mine():
        # whoever makes the file has the folder
        output.mark(output.out)
    if is_done():
        return False
    try:
        result.write.format("delta").mode("errorifexists").save(output.out)
    except Exception:
        # another attempt of the job was faster
        if is_done():
            return False
        raise
    return True


def check_rows(rows, expected):
    if rows != expected:
        raise TidemarkError(
            "KERNEL_FRAME_INVALID", f"the training set has {rows} rows of {expected}; report this"
        )


def main(args):
    from pyspark.sql import SparkSession, functions as F

    spark = SparkSession.builder.appName("tidemark training set").getOrCreate()
    try:
        run_job(spark, F, read_job(spark, args[0]))
    finally:
        spark.stop()


def read_job(spark, place):
    if os.path.exists(place):
        with open(place, encoding="utf-8") as file:
            return json.load(file)
    return json.loads(spark.read.text(place, wholetext=True).first()[0])


def run_job(spark, F, job):
    if job["format"] != 1:
        raise TidemarkError("KERNEL_MISMATCH", f"the job has the format {job['format']}, not 1")
    # partitions are by key, and must be neither joined nor split
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
    counters = counters_of(spark.sparkContext)
    result = training_set(spark, F, job, counters)
    is_over = threading.Event()

    def tell():
        while not is_over.wait(2):
            say(progress=counters["answered"].value)

    threading.Thread(target=tell, daemon=True).start()
    try:
        wrote = committed(spark, F, job, result)
    finally:
        is_over.set()
    say(
        rows=job["entities"]["rows"],
        overflows=counters["overflows"].value,
        longestRun=counters["longestRun"].value,
        wrote=wrote,
    )


def counters_of(context):
    """What tasks count. A task that runs again counts again."""
    from pyspark.accumulators import AccumulatorParam

    class Most(AccumulatorParam):
        def zero(self, value):
            return 0

        def addInPlace(self, a, b):
            return max(a, b)

    return {
        "answered": context.accumulator(0),
        "overflows": context.accumulator(0),
        "longestRun": context.accumulator(0, Most()),
    }


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except TidemarkError as error:
        say(error=str(error))
        sys.exit(1)
