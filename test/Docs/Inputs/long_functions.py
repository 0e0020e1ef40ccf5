# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes functions of 100 and 101 lines in C++, for the test of the check of them."""


def function(head, lines):
    body = ['  work("}", \'{\', R"({)"); // {'] * (lines - 2)
    return '\n'.join([head + ' {', *body, '}'])


print('namespace {', '#define OPEN {', function('int short1(int x)', 100), sep='\n')
print(function('static int free(int x)', 101))
print('class Made : public Base {', 'public:', function('  int method() const override', 101), '};', sep='\n')
print(function('Made::Made(int x) : Base(x), y{x}', 101))
print('// Long, because', '// it is a table.', function('int table(int x)', 101), sep='\n')
print(function('const int values[] =', 101) + ';')
print('int short2() { return 1; }', '} // namespace', sep='\n')
