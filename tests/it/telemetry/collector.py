"""An OTLP collector that adds up what comes: prints its port, answers GET /seen with the sums, ends with its stdin."""

import collections
import gzip
import http.server
import json
import os
import sys
import threading

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

DELTA = 1  # AGGREGATION_TEMPORALITY_DELTA

seen = {"exports": 0, "sums": collections.Counter(), "gauges": {}, "resource": {}, "headers": {}, "faults": []}
ends = {}  # series: the end of its last interval


def words(attributes):
    return {pair.key: pair.value.string_value for pair in attributes}


def key(name, point):
    labels = ",".join(f"{name}={text}" for name, text in sorted(words(point.attributes).items()))
    return f"{name}{{{labels}}}"


def follows(series, point):
    """An interval begins where the one before of the same run ended, or later if nothing grew in between."""
    if not ends.get(series, 0) <= point.start_time_unix_nano <= point.time_unix_nano:
        seen["faults"].append(f"{series}: an interval overlaps")
    ends[series] = point.time_unix_nano


def number(point):
    return point.as_int if point.WhichOneof("value") == "as_int" else point.as_double


def take(metric):
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    if kind != "gauge" and data.aggregation_temporality != DELTA:
        seen["faults"].append(f"{metric.name} is no delta")
    if kind == "sum" and not data.is_monotonic:
        seen["faults"].append(f"{metric.name} may fall")
    for point in data.data_points:
        series = key(metric.name, point)
        if kind == "gauge":
            seen["gauges"][series] = number(point)
            continue
        follows(series, point)
        if kind == "sum":
            seen["sums"][series] += number(point)
        else:
            seen["sums"][series] += point.count
            if sum(point.positive.bucket_counts) + point.zero_count != point.count:
                seen["faults"].append(f"{series}: its buckets hold another count")
            low, high = (2 ** ((point.positive.offset + last) * 2 ** -point.scale)
                         for last in (0, len(point.positive.bucket_counts)))
            if not low * point.count * 0.99 <= point.sum <= high * point.count * 1.01:
                seen["faults"].append(f"{series}: its sum {point.sum} is not that of {point.count} in {low} to {high}")


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        request = ExportMetricsServiceRequest.FromString(body)
        seen["exports"] += 1
        seen["headers"] = {name.lower(): value for name, value in self.headers.items()} | {"path": self.path}
        seen["body_has_secret"] = b"s3cret" in body
        for resource in request.resource_metrics:
            seen["resource"] = words(resource.resource.attributes)
            for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics):
                take(metric)
        self.answer(b"")

    def do_GET(self):
        self.answer(json.dumps(seen).encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
print(server.server_address[1], flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.serve_forever()
