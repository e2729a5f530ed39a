"""Reads each file as OpenMetrics 1.0 and as Prometheus text 0.0.4; fails if a parser does, or if one finds nothing."""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    for parse in (openmetrics, prometheus):
        families = list(parse(text))
        assert families, f"{path}: nothing was read"
        assert all(family.type in ("gauge", "summary", "histogram") for family in families), path
