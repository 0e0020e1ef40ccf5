// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an ahead-of-time library has in place of larger parts of the C++
// library, which it carries inside.

// Every object with a static destructor names the library that it is in.
extern "C" __attribute__((visibility("hidden"))) void *__dso_handle =
    &__dso_handle;

// The usual one prints the exception's type, and brings a demangler for it.
namespace __gnu_cxx {
void __verbose_terminate_handler();
void __verbose_terminate_handler() { __builtin_trap(); }
} // namespace __gnu_cxx
