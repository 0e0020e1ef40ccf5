# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exceptions, which carry what the compiler or the runtime said."""

import re
from typing import NamedTuple, Optional, Sequence


class Location(NamedTuple):
    """A place in a Python file (traced functions) or in MLIR text."""

    file: str
    line: int
    column: int


class Diagnostic(NamedTuple):
    severity: str
    message: str
    location: Optional[Location]

    def __str__(self):
        place = f"{self.location.file}:{self.location.line}: " if self.location else ""
        return f"{place}{self.severity}: {self.message}"


class Error(Exception):
    """What was asked for is wrong.

    `rule` is the number of the rule of docs/semantics.md that was broken,
    `location` the place, `code` the status of the runtime ("" where the
    compiler complains), `diagnostics` everything that was said.
    """

    def __init__(self, message: str, *, code: str = "",
                 diagnostics: Sequence[Diagnostic] = (),
                 location: Optional[Location] = None):
        super().__init__(message)
        self.code = code
        self.diagnostics = tuple(diagnostics)
        self.location = location
        rule = re.search(r"\brule (\d+)", message)
        self.rule = int(rule.group(1)) if rule else None

    @classmethod
    def of_diagnostics(cls, diagnostics):
        """The error of a failed compilation."""
        errors = [d for d in diagnostics if d.severity == "error"] or diagnostics
        message = "\n".join(map(str, diagnostics)) or "compilation failed without a message"
        return cls(message, diagnostics=diagnostics, location=errors[0].location if errors else None)


class TraceError(Error, TypeError):
    """A score or mask function in Python that cannot be traced."""
