"""Lines a, b, c and e: answers of the service beside the encoding of their distinct texts."""

import time
from random import Random

from serving_load.bench_home import Bench, triage_bodies
from serving_load.connections import body_of
from serving_load.fresh_reports import distinct_texts
from serving_load.load import arrival_times, closed_loop, one_by_one, open_loop
from serving_load.process_figures import cpu_seconds
from serving_load.ratios import Figure, Target, ratio_of_quantile, ratio_of_sums

_PAIRS = 8
_AT_ONCE = 20
_RATE, _CALLS_OF_SEGMENT, _SEGMENTS = 5.0, 50, 8
_CLIENTS, _CALLS_OF_CLIENTS = 16, 160
_BATCH, _BATCH_PAIRS = 1_000, 3
_TRIAGE, _TRIAGE_BATCH = "/v1/triage", "/v1/triage/batch"


def measure_one_triage(bench: Bench) -> list[Figure]:
    """Line a: CPU of one triage with all kinds and evidence over one encoding of its texts."""
    pairs = []
    for _ in range(_PAIRS):
        incidents = bench.reports.take(_AT_ONCE)
        bare = bench.encode_each(incidents, time.process_time)
        before = cpu_seconds(bench.service.pid)
        one_by_one(bench.service.port, _TRIAGE, triage_bodies(incidents))
        pairs.append((cpu_seconds(bench.service.pid) - before, bare))
    name = "one triage, all kinds with evidence: CPU over CPU of encoding its texts"
    milliseconds = 1000 * sum(ours for ours, _ in pairs) / (_PAIRS * _AT_ONCE)
    note = f"{milliseconds:.0f} ms of CPU a triage"
    return [ratio_of_sums("a", name, pairs, Target(most=1.6), note)]


def measure_latency(bench: Bench) -> list[Figure]:
    """Line b: latency of single calls at 5 a second, over the time of their encoding."""
    random, segments, refused = Random(0), [], 0
    for _ in range(_SEGMENTS):
        incidents = bench.reports.take(_CALLS_OF_SEGMENT)
        bare = bench.encode_each(incidents[:_AT_ONCE], time.perf_counter) / _AT_ONCE
        times = arrival_times(_RATE, len(incidents), random)
        calls = open_loop(bench.service.port, _TRIAGE, triage_bodies(incidents), times)
        refused += sum(not call.is_answered for call in calls)
        segments.append(([call.seconds for call in calls], bare))
    if refused:
        raise RuntimeError(f"{refused} calls were refused at {_RATE} calls a second")
    name = f"single calls at {_RATE:g} a second, over the time of encoding their texts"
    return [
        ratio_of_quantile("b", f"p50 of {name}", segments, 0.5, Target(most=1.8)),
        ratio_of_quantile("b", f"p99 of {name}", segments, 0.99, Target(most=4)),
    ]


def measure_throughput(bench: Bench) -> list[Figure]:
    """Line c: texts a second of concurrent single calls, over those of the raw encoder."""
    pairs = []
    for _ in range(_PAIRS):
        incidents = bench.reports.take(_CALLS_OF_CLIENTS)
        texts = len(distinct_texts(incidents))
        bare = bench.encode(incidents, time.perf_counter)
        bodies = triage_bodies(incidents)
        seconds, answered = closed_loop(bench.service.port, _TRIAGE, bodies, _CLIENTS)
        pairs.append((texts * answered / len(bodies) / seconds, texts / bare))
    name = f"throughput of {_CLIENTS} clients with single calls over the raw encoder's, in texts"
    return [ratio_of_sums("c", name, pairs, Target(least=0.6))]


def measure_batch(bench: Bench) -> list[Figure]:
    """Line e: CPU of a batch of 1,000 over the encoding of its texts."""
    pairs = []
    for _ in range(_BATCH_PAIRS):
        incidents = bench.reports.take(_BATCH)
        bare = bench.encode(incidents, time.process_time)
        before = cpu_seconds(bench.service.pid)
        one_by_one(bench.service.port, _TRIAGE_BATCH, [body_of({"incidents": incidents})])
        pairs.append((cpu_seconds(bench.service.pid) - before, bare))
    name = f"batch of {_BATCH:,}, all kinds with evidence: CPU over CPU of encoding its texts"
    return [ratio_of_sums("e", name, pairs, Target(most=1.3))]
