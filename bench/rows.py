# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rows of bench/results: one dictionary a comparison. A ratio above 1 means that
ours is better; where a time has a goal instead of a peer, the goal is the peer.
"""

import datetime
import json
import os
import pathlib
import platform
import resource
import subprocess


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        for line in info:
            if line.startswith("model name"):
                return f"{line.split(':')[1].strip()}, {os.cpu_count()} cores"
    return platform.processor()


def load_average():
    return f"load average {os.getloadavg()[0]:.1f}"


def processor_milliseconds(command):
    """Of a program that is run, its start included; None if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        return None
    return 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def time_row(work, metric, ours, peer, peer_name, bar, machine, command):
    """Compares two times; `bar` may be None."""
    return dict(work=work, metric=metric, ours=ours, peer=peer, peer_name=peer_name,
                ratio=round(peer / ours, 3), bar=bar, machine=machine, command=command,
                date=datetime.date.today().isoformat())


def write_rows(path, rows):
    pathlib.Path(path).write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n",
                                  encoding="utf-8")


def replace_rows(path, rows):
    """Writes them in place of rows of the same work, behind the others."""
    works = {row["work"] for row in rows}
    kept = json.loads(pathlib.Path(path).read_text(encoding="utf-8")) if os.path.exists(path) else []
    write_rows(path, [row for row in kept if row["work"] not in works] + rows)
