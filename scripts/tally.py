# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Adds up the results that test.sh left in a directory; fails if any failed.

For each step there is STEP.status, its exit status, and one of STEP.json (lit),
STEP.xml (ctest), or STEP.log, whose last "N passed, N failed" counts. A step
without a count is one test.
"""

import glob
import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree as xml


def count_lit(path):
    """Passed, failed and unsupported tests of lit's --output."""
    with open(path, encoding="utf-8") as file:
        codes = [test["code"] for test in json.load(file)["tests"]]
    passed = sum(code in ("PASS", "FLAKYPASS", "XFAIL") for code in codes)
    unsupported = sum(code in ("UNSUPPORTED", "SKIPPED", "EXCLUDED") for code in codes)
    return passed, len(codes) - passed - unsupported, unsupported


def count_ctest(path):
    """The same of ctest's JUnit file; a GoogleTest program counts its cases."""
    passed = failed = unsupported = 0
    for case in xml.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        cases = re.search(r"^\[  PASSED  \] (\d+) test", output, re.MULTILINE)
        bad = re.search(r"^ ?(\d+) FAILED TEST", output, re.MULTILINE)
        passed_here = int(cases[1]) if cases else 0
        failed_here = int(bad[1]) if bad else 0
        status = case.get("status")
        if status == "run":
            passed += passed_here or 1
        elif status == "fail":
            passed += passed_here
            failed += failed_here or 1
        else:
            unsupported += 1
    return passed, failed, unsupported


def count_log(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    counts = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.MULTILINE)
    if counts:
        return int(counts[-1][0]), int(counts[-1][1]), 0
    cases = re.search(r"^\[  PASSED  \] (\d+) test", text, re.MULTILINE)
    return (int(cases[1]) if cases else 0), 0, 0


def count_step(base, status):
    if os.path.exists(base + ".json"):
        passed, failed, unsupported = count_lit(base + ".json")
    elif os.path.exists(base + ".xml"):
        passed, failed, unsupported = count_ctest(base + ".xml")
    else:
        passed, failed, unsupported = count_log(base + ".log")
        if status == 0 and passed == 0:
            passed = 1
    # A crash leaves no count.
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed, unsupported


def main():
    directory = sys.argv[1]
    total = [0, 0, 0]
    print(f"\n{'':26}{'passed':>8}{'failed':>8}{'unsupported':>13}")
    for path in sorted(glob.glob(os.path.join(directory, "*.status")), key=os.path.getmtime):
        with open(path, encoding="utf-8") as file:
            status = int(file.read())
        base = path[: -len(".status")]
        counts = count_step(base, status)
        total = [sum(pair) for pair in zip(total, counts)]
        print(f"{os.path.basename(base):26}{counts[0]:>8}{counts[1]:>8}{counts[2]:>13}")
    for tool, what in (("nvidia-smi", "NVIDIA GPU: generated PTX is not executed"),
                       ("naga", "naga: it does not validate WGSL"),
                       ("tint", "Tint: it does not validate WGSL")):
        if not shutil.which(tool):
            print(f"unsupported here, no {what}")
    print(f"{total[2]} unsupported")
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


sys.exit(main())
