# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Interrupts a tool that measures schedules after its first candidate.

  interrupt.py FILE COMMAND...

Prints the last line of stderr, the exit code and whether FILE is there, or a part of it under another name.
"""

import pathlib
import signal
import subprocess
import sys

path = pathlib.Path(sys.argv[1])
tool = subprocess.Popen(sys.argv[2:], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
first = tool.stderr.readline()
assert first.startswith("autotune: 1 of "), first
tool.send_signal(signal.SIGINT)
print(tool.stderr.read().splitlines()[-1])
left = list(path.parent.glob(path.name + "*"))
print(f"exit code {tool.wait()}, {'left: ' + str(left) if left else 'no file'}")
