# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: same_kernels.py FILE TARGET CHIP

What `attn-opt --attn-to-TARGET=chip=CHIP` makes is what `attn-compile
--target=TARGET --chip=CHIP` makes code of, op by op. A pipeline for modules that
stay in their compiler ends with a pass that binds kernels to loops: what goes
into it is compared.
"""

import subprocess
import sys

LAST = "tile-launch-to-parallel"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


file, target, chip = sys.argv[1:]
piped = run("attn-opt", file, f"--attn-to-{target}=chip={chip}", f"--mlir-print-ir-before={LAST}",
            "--mlir-disable-threading")
dump = piped.stderr.partition("IR Dump Before")[2].partition("\n")[2]
piped = (dump or piped.stdout).strip()
compiled = run("attn-compile", file, f"--target={target}", f"--chip={chip}", "--emit=mlir", "-o", "-").stdout.strip()
if not compiled or piped != compiled:
    sys.exit(f"{target}, {chip}: attn-opt makes\n{piped}\n--- attn-compile makes\n{compiled}")
print(f"{target}, {chip}: the same module of {len(compiled.splitlines())} lines")
