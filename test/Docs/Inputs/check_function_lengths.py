# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints every function of the C++ and Python sources in the given folders that is longer than 100 lines and does not say why.

A function says why in the comment above it, in a sentence that begins with "Long, because". Lambdas count as lines of the
function around them. What matters in C++ are braces, outside of comments and literals.
"""

import ast
import pathlib
import re
import sys

LIMIT = 100
IGNORED = re.compile(
    r'R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"'  # Raw strings,
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''  # strings, characters (not the marks within numbers),
    r'|//[^\n]*|/\*.*?\*/'  # comments
    r'|^[ \t]*#(?:\\\n|[^\n])*',  # and directives.
    re.S | re.M)
SCOPES = re.compile(r'^\s*(?:(?:template\s*<.*>|inline|static|typedef|friend)\s*)*(?:namespace|class|struct|union|enum|extern)\b', re.S)


def blank(match):
    """What is ignored, as spaces, so that lines and offsets stay."""
    return re.sub(r'[^\n]', ' ', match.group())


def functions(text):
    """The functions of a file: (line of the head, line of the closing brace)."""
    code = IGNORED.sub(blank, text)
    start, head, kinds = 0, '', []  # Where the declaration begins that is being read; the kinds of the open braces.
    for token in re.finditer(r'[{};]', code):
        inside = 'function' in kinds or 'value' in kinds
        if token.group() == '{':
            head = code[start:token.start()]
            if inside or code[token.start() - 1].isalnum():  # Also the braces of `y{x}`, which clang-format sets so.
                kinds.append('block')
            elif SCOPES.match(head) and not re.search(r'\)\s*(?:const)?\s*$', head):
                kinds.append('scope')
            elif re.search(r'=\s*$', head) or '(' not in head:
                kinds.append('value')
            else:
                kinds.append('function')
                head = re.sub(r'^(\s*(?:public|protected|private):)+', lambda m: blank(m), head)
                first = code.count('\n', 0, start + len(head) - len(head.lstrip())) + 1
            if kinds[-1] == 'scope':
                start = token.end()
        elif token.group() == '}':
            kind = kinds.pop()
            if kind == 'function':
                yield first, code.count('\n', 0, token.start()) + 1
            if kind != 'block' and 'function' not in kinds and 'value' not in kinds:
                start = token.end()
        elif not inside and 'block' not in kinds:
            start = token.end()


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node.lineno, node.end_lineno


def explained(lines, first):
    """Whether the comment above line `first` gives a reason."""
    comment = []
    at = first - 2
    while at >= 0 and lines[at].lstrip().startswith(('//', '#')):
        comment.insert(0, lines[at].strip().lstrip('/# '))
        at -= 1
    return 'Long, because ' in ' '.join(comment)


def main():
    long, seen = 0, 0
    for folder in sys.argv[1:]:
        for path in sorted(p for p in pathlib.Path(folder).rglob('*') if p.suffix in ('.h', '.cpp', '.c', '.py')):
            text = path.read_text()
            lines = text.split('\n')
            for first, last in (python_functions if path.suffix == '.py' else functions)(text):
                seen += 1
                if last - first + 1 > LIMIT and not explained(lines, first):
                    print(f'{path}:{first}: {last - first + 1} lines: {lines[first - 1].strip()}')
                    long += 1
    print(f'{seen} functions, {long} of them too long')
    return 1 if long or not seen else 0


if __name__ == '__main__':
    sys.exit(main())
